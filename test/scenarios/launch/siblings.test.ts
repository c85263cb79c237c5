// Several agents after the same runs, and the claims of agents that are no more: whose they are, and who finishes them.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAIM_KEY } from "../../../src/prefect1/claim.ts";
import { graphql } from "../../fakes/prefect1/client.ts";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere, HereOptions } from "../support/agent-here.ts";
import { dueRun, eventually, linesOf, onceEach, countsText, throughWith } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const WRITE = "mutation($input: write_run_logs_input!) { write_run_logs(input: $input) { success } }";
const SCOPE = "here/default";
let world: World;
const agents: AgentHere[] = [];

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await world.stop();
});

async function start(options: HereOptions = {}): Promise<AgentHere> {
  const agent = await startAgentHere(world, { hurried: true, scope: SCOPE, ...options });
  agents.push(agent);
  return agent;
}

/** A claim as an agent leaves it that dies before its Job. */
function claim(id: string, change: { readonly scope?: string; readonly by?: string }): string {
  const identifier = id.slice(0, 8);
  const context = { [CLAIM_KEY]: { id: `claim-${id}`, scope: SCOPE, identifier, ...change } };
  world.prefect.setState(id, { type: "Submitted", message: "Submitted for execution", context });
  return identifier;
}

describe("two agents", () => {
  it.each([
    { name: "of different names on Prefect Server", cloud: false },
    { name: "on Prefect Cloud with version locking", cloud: true },
  ])("$name launch each run once", async ({ cloud }) => {
    await world.stop();
    world = await startWorld({
      prefect: cloud ? { flavour: "cloud", apiKey: "key", versionLocking: true } : {},
    });
    const shared = cloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
    const ids = Array.from({ length: 40 }, () => dueRun(world));
    await Promise.all([start({ ...shared, name: "a" }), start({ ...shared, name: "b" })]);
    await throughWith(world, ids);
    expect(countsText(world, ids)).toEqual(onceEach(ids));
    await eventually(() => expect(ids.flatMap((id) => linesOf(world, id))).toHaveLength(ids.length));
  });
});

describe("a claim without a Job", () => {
  it("of a dead process of this machine is finished at once, under the identifier that it names", async () => {
    const id = dueRun(world);
    const identifier = claim(id, { by: "agent:1" });
    await start();
    await throughWith(world, [id]);
    expect(world.jobsOf(id).map(({ name }) => name)).toEqual([`prefect-job-${identifier}`]);
  });

  it("of an agent that may be alive is left to it for a while, then finished", async () => {
    const id = dueRun(world);
    claim(id, { by: "elsewhere:1" });
    const startedAtMs = Date.now();
    await start();
    await throughWith(world, [id]);
    expect((world.jobsOf(id)[0]?.at.getTime() ?? 0) - startedAtMs).toBeGreaterThanOrEqual(5_000);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });

  it("is finished though an old Job of the run still stands", async () => {
    const id = dueRun(world);
    claim(id, { by: "agent:1" });
    const conditions = [{ type: "Complete", status: "True" }];
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "00000000" };
    world.kube.put("jobs", {
      metadata: { name: "old", labels, annotations: { "prefect.io/keep": "true" } },
      spec: { template: { spec: { containers: [{ name: "flow", image: "x" }], restartPolicy: "Never" } } },
      status: { conditions },
    });
    await start();
    await eventually(() => expect(world.prefect.flowRun(id)?.state).toBe("Success"));
    expect(world.jobsOf(id).filter(({ name }) => name !== "old")).toHaveLength(1);
  });

  it.each([
    { name: "of another cluster", mark: { scope: "elsewhere/default", by: "agent:1" }, retaken: false },
    { name: "that another agent has claimed since", mark: { by: "agent:1" }, retaken: true },
  ])("$name is left alone", async ({ mark, retaken }) => {
    const [others, ours] = [dueRun(world), dueRun(world)];
    claim(others, mark);
    if (retaken) world.prefect.setState(others, { type: "Submitted", message: "Submitted for execution" });
    claim(ours, { by: "agent:1" });
    const agent = await start();
    await throughWith(world, [ours]);
    // A second run, so that there was another sweep.
    const more = dueRun(world);
    claim(more, { by: "agent:1" });
    agent.poke();
    await throughWith(world, [more]);
    expect(world.jobsOf(others)).toEqual([]);
    expect(world.prefect.flowRun(others)?.state).toBe("Submitted");
  });

  it("whose Job a sibling of another name made, and somebody deleted, fails its run and makes no second Job", async () => {
    const id = dueRun(world);
    const identifier = claim(id, { by: "agent:1" });
    const message = `Submitted for execution: Job prefect-job-${identifier}`;
    await graphql(world.prefect, WRITE, {
      variables: { input: { logs: [{ flow_run_id: id, name: "sibling", level: "INFO", message }] } },
    });
    await start();
    await eventually(() => expect(world.prefect.flowRun(id)?.state).toBe("Failed"));
    expect(world.prefect.flowRun(id)?.state_message).toMatch(/was deleted before it was done/);
    expect(linesOf(world, id)).toEqual([message, world.prefect.flowRun(id)?.state_message]);
    expect(world.jobsOf(id)).toEqual([]);
  });
});
