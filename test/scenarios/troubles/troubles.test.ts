// Troubles of pods that pass, troubles beside the flow, and those that end a run: what becomes of the run, what its log says
// and when. In virtual time; each row names the public report that it stands for.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";
import { EVENTS } from "./event-rows.ts";
import { BESIDE, LASTING, NODES, PASSING, RETRIES } from "./rows.ts";
import type { Trouble } from "./rows.ts";

const SECOND = 1_000;
let world: World;

afterEach(() => world.close());

async function play(
  given: Trouble,
): Promise<{ readonly id: string; readonly early: string | null | undefined }> {
  const { job = {}, steps, policy, seconds, notFailedFor = 0 } = given;
  const { pod = { containers: [{ name: "flow", image: "registry.example/team/flow:1" }] } } = given;
  const body = { apiVersion: "batch/v1", kind: "Job", spec: { ...job, template: { spec: pod } } };
  const template = (): Promise<string> => Promise.resolve(JSON.stringify(body));
  world = new World();
  const agent = world.start({ template, ...(policy === undefined ? {} : { policy }) });
  await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), 60_000);
  const id = world.dueRun({ script: steps });
  if (given.succeedsAfter !== undefined)
    world.time.after(given.succeedsAfter * SECOND, () => world.prefect.setState(id, { type: "Success" }));
  await world.time.pass(notFailedFor * SECOND);
  const early = world.state(id);
  await world.time.pass((seconds - notFailedFor) * SECOND);
  return { id, early };
}

describe.each([
  { kind: "what passes", rows: PASSING },
  { kind: "what lasts", rows: LASTING },
  { kind: "trouble beside the flow", rows: BESIDE },
  { kind: "Kubernetes' own retries", rows: RETRIES },
  { kind: "trouble with nodes and schedulers", rows: NODES },
  { kind: "what events tell", rows: EVENTS },
])("$kind", ({ rows }) => {
  it.each(rows)("$name: $state", async (given) => {
    const { id, early } = await play(given);
    expect(early === "Failed" && given.notFailedFor !== undefined).toBe(false);
    expect(world.state(id)).toBe(given.state);
    const lines = world.logs(id).filter(({ name }) => name === "k8s-infra");
    const warnings = lines.filter(({ level }) => level === "WARNING").map(({ message }) => message);
    expect(warnings).toEqual((given.warnings ?? []).map((words) => expect.stringMatching(words) as unknown));
    const errors = lines.filter(({ level }) => level === "ERROR").map(({ message }) => message);
    const wanted = given.error === undefined ? [] : [given.error];
    expect(errors).toEqual(wanted.map((words) => expect.stringMatching(words) as unknown));
    expect(world.jobs(id)).toHaveLength(given.jobsLeft ?? 0);
  });
});
