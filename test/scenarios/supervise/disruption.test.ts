// A flow run whose pod the cluster took, under --on-disruption retry: it is made whole and started again, once; also when a
// call fails, or two agents look after it.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import type { FaultEffect } from "../../fakes/prefect1/faults.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { setTaskState } from "../../fakes/prefect1/client.ts";
import { startAgentHere } from "../support/agent-here.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const POLICY = { ...DEFAULT_POLICY, onDisruption: "retry", exitGraceMs: 50, sidecarGraceMs: 50 } as const;
const PATIENCE = { timeout: 30_000, interval: 10 };
const FIRST = "prefect-job-0a1b2c3d";
const RESULT = { type: "Result", __version__: "1.4.1", location: null };

const isFirst = (job: Job): boolean => job.metadata.name === FIRST;
const script = (job: Job): PodScript => (isFirst(job) ? { fate: "evict" } : { fate: "succeed", runMs: 20 });

/** A run at work in its second task when its pod is evicted: what the first one made is needed and was not kept. */
async function disrupted(): Promise<{ world: World; id: string }> {
  const world = await startWorld({ script, doesRun: (job) => !isFirst(job) });
  onTestFinished(() => world.stop());
  const flow = world.prefect.createFlow({
    name: "story",
    tasks: ["extract-1", "mail-1", "transform-1", "load-1"].map((slug) => ({ slug })),
    edges: [
      { from: "extract-1", to: "mail-1", key: "rows" },
      { from: "extract-1", to: "transform-1", key: "rows" },
      { from: "transform-1", to: "load-1", key: "rows" },
    ],
  });
  const { id } = world.prefect.createFlowRun({ flow });
  world.prefect.setState(id, { type: "Running" });
  await setTask(world, id, { slug: "extract-1", type: "Success" });
  await setTask(world, id, { slug: "mail-1", type: "Success" });
  await setTask(world, id, { slug: "transform-1", type: "Running" });
  world.kube.put("jobs", jobOf(id));
  return { world, id };
}

async function setTask(
  world: World,
  id: string,
  { slug, type }: { slug: string; type: string },
): Promise<void> {
  const result = type === "Success" ? { _result: RESULT } : {};
  await setTaskState(world.prefect, taskRun(world, id, slug), { type, ...result });
}

function taskRun(world: World, id: string, slug: string): string {
  const { task } = world.prefect.store.tables;
  const found = world.prefect.taskRuns(id).find((run) => task.get(run.task_id)?.slug === slug);
  return found?.id ?? "";
}

function jobOf(id: string): { [key: string]: unknown } {
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name: FIRST, namespace: "default", labels };
  return { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } };
}

async function agentFor(world: World, name: string): Promise<void> {
  const agent = await startAgentHere(world, { name, settings: { policy: POLICY } });
  onTestFinished(() => agent.stop());
}

/** The pods' own calls are not meant to fail. */
const isAgents = ({ headers }: ApiCall): boolean => headers["x-prefect-agent-id"] !== undefined;

/** All that is to be true in the end. */
async function endsWell(world: World, id: string): Promise<void> {
  await vi.waitFor(() => {
    expect(world.prefect.flowRun(id)?.state).toBe("Success");
    expect(world.kube.list("jobs")).toEqual([]);
  }, PATIENCE);
  expect(world.prefect.history(id).map(({ type }) => type)).toEqual([
    "Scheduled",
    "Running",
    "Scheduled",
    "Submitted",
    "Running",
    "Success",
  ]);
  expect(world.jobsOf(id)).toHaveLength(2);
  const said = world.prefect
    .logsOf(id)
    .filter(({ name, level }) => name === "k8s-infra" && level !== "DEBUG");
  expect(said.map(({ level, message }) => `${level} ${message?.split("\n")[0]}`)).toEqual([
    expect.stringMatching(new RegExp(`^WARNING Job ${FIRST}: pod '.*' on node .* was evicted`)),
    `WARNING After Job ${FIRST}: Task runs that run again: 1 running in the lost pod (transform); 1 finished, but their results were stored nowhere else (extract)`,
  ]);
}

/** The states that a task run had; Pending twice costs nothing. */
function statesOf(world: World, id: string, slug: string): string[] {
  const all = [...world.prefect.store.tables.task_run_state.having("task_run_id", taskRun(world, id, slug))];
  const types = all.toSorted((a, b) => a.version - b.version).map(({ state }) => state);
  return types.filter((type, at) => type !== types[at - 1]);
}

describe("a run that lost its pod", () => {
  it("is scheduled anew with the tasks that were lost, and those whose results were", async () => {
    const { world, id } = await disrupted();
    await agentFor(world, "agent");
    await endsWell(world, id);
    expect(statesOf(world, id, "extract-1")).toEqual(["Success", "Pending", "Success"]);
    expect(statesOf(world, id, "transform-1")).toEqual(["Running", "Pending", "Success"]);
    expect(statesOf(world, id, "mail-1")).toEqual(["Success"]);
  });

  it("is scheduled anew once by two agents", async () => {
    const { world, id } = await disrupted();
    await Promise.all([agentFor(world, "one"), agentFor(world, "two")]);
    await endsWell(world, id);
    expect(world.prefect.taskRuns(id).map(({ state }) => state)).toEqual(Array(4).fill("Success"));
  });

  it("is failed where that is wanted", async () => {
    const { world, id } = await disrupted();
    const policy = { ...POLICY, onDisruption: "fail" } as const;
    const agent = await startAgentHere(world, { settings: { policy } });
    onTestFinished(() => agent.stop());
    await vi.waitFor(() => expect(world.prefect.flowRun(id)?.state).toBe("Failed"), PATIENCE);
    expect(world.prefect.flowRun(id)?.state_message).toMatch(/^Kubernetes Error: pod .* was evicted/);
    expect(statesOf(world, id, "extract-1")).toEqual(["Success"]);
  });

  it.each(["500", "cut before", "cut after"] as const)(
    "is scheduled anew once whichever Prefect call fails: %s",
    async (how) => {
      const effect: FaultEffect =
        how === "500"
          ? { kind: "status", status: 500 }
          : { kind: "cut", when: how === "cut before" ? "before" : "after" };
      for (const from of [1, 7, 13, 19]) {
        const calls = Array.from({ length: 6 }, (_, at) => from + at);
        await Promise.all(
          calls.map(async (nth) => {
            const { world, id } = await disrupted();
            world.prefect.fault({ effect, nth, match: isAgents });
            await agentFor(world, "agent");
            await endsWell(world, id);
            expect(statesOf(world, id, "mail-1")).toEqual(["Success"]);
          }),
        );
      }
    },
  );
});
