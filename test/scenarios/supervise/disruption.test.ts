// A flow run whose pod is evicted, with --on-disruption retry: its lost tasks are reset and it is rescheduled once, also if a
// call fails or two agents supervise it.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import type { FaultEffect } from "../../fakes/prefect1/faults.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { setTaskState } from "../../fakes/prefect1/client.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import { OWNED, startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

const POLICY = { ...DEFAULT_POLICY, onDisruption: "retry", exitGraceMs: 50, sidecarGraceMs: 50 } as const;
const WAIT = { timeout: 30_000, interval: 10 };
const FIRST = "prefect-job-0a1b2c3d";
const RESULT = { type: "Result", __version__: "1.4.1", location: null };

const isFirst = (job: Job): boolean => job.metadata.name === FIRST;
const script = (job: Job): PodScript =>
  isFirst(job) ? { outcome: "evict" } : { outcome: "succeed", runMs: 20 };

/** A run whose pod is evicted while `transform` runs, which needs the result of `extract`; that result was not stored. */
async function disrupted(): Promise<{ fakes: Fakes; id: string }> {
  const fakes = await startFakes({ speed: 20, script, runsFlow: (job) => !isFirst(job) });
  onTestFinished(() => fakes.stop());
  const flow = fakes.prefect.createFlow({
    name: "etl",
    tasks: ["extract-1", "mail-1", "transform-1", "load-1"].map((slug) => ({ slug })),
    edges: [
      { from: "extract-1", to: "mail-1", key: "rows" },
      { from: "extract-1", to: "transform-1", key: "rows" },
      { from: "transform-1", to: "load-1", key: "rows" },
    ],
  });
  const { id } = fakes.prefect.createFlowRun({ flow });
  fakes.prefect.setState(id, { type: "Running" });
  await setTask(fakes, id, { slug: "extract-1", type: "Success" });
  await setTask(fakes, id, { slug: "mail-1", type: "Success" });
  await setTask(fakes, id, { slug: "transform-1", type: "Running" });
  fakes.kube.put("jobs", jobOf(id));
  return { fakes, id };
}

async function setTask(
  fakes: Fakes,
  id: string,
  { slug, type }: { slug: string; type: string },
): Promise<void> {
  const result = type === "Success" ? { _result: RESULT } : {};
  await setTaskState(fakes.prefect, taskRun(fakes, id, slug), { type, ...result });
}

function taskRun(fakes: Fakes, id: string, slug: string): string {
  const { task } = fakes.prefect.store.tables;
  const found = fakes.prefect.taskRuns(id).find((run) => task.get(run.task_id)?.slug === slug);
  return found?.id ?? "";
}

function jobOf(id: string): { [key: string]: unknown } {
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name: FIRST, namespace: "default", labels, annotations: OWNED };
  return { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } };
}

async function agentFor(fakes: Fakes): Promise<void> {
  const agent = await startInProcessAgent(fakes, { policy: POLICY });
  onTestFinished(() => agent.stop());
}

/** Only calls of agents fail, not those of pods. */
const isFromAgent = ({ headers }: ApiCall): boolean => headers["x-prefect-agent-id"] !== undefined;

/** Waits for the end and checks states, Jobs and log. */
async function expectRetried(fakes: Fakes, id: string): Promise<void> {
  await vi.waitFor(() => {
    expect(fakes.prefect.flowRun(id)?.state).toBe("Success");
    expect(fakes.kube.list("jobs")).toEqual([]);
  }, WAIT);
  expect(fakes.prefect.history(id).map(({ type }) => type)).toEqual([
    "Scheduled",
    "Running",
    "Scheduled",
    "Submitted",
    "Running",
    "Success",
  ]);
  expect(fakes.jobsOf(id)).toHaveLength(2);
  const lines = fakes.prefect
    .logsOf(id)
    .filter(({ name, level }) => name === "k8s-infra" && level !== "DEBUG");
  expect(lines.map(({ level, message }) => `${level} ${message?.split("\n")[0]}`)).toEqual([
    expect.stringMatching(new RegExp(`^WARNING Job ${FIRST}: pod '.*' on node .* was evicted`)),
    `WARNING After Job ${FIRST}: Task runs that run again: 1 running in the lost pod (transform); 1 finished, but their results were stored nowhere else (extract)`,
  ]);
}

/** The states that a task run had, without repetitions: Pending may be set twice. */
function statesOf(fakes: Fakes, id: string, slug: string): string[] {
  const all = [...fakes.prefect.store.tables.task_run_state.having("task_run_id", taskRun(fakes, id, slug))];
  const types = all.toSorted((a, b) => a.version - b.version).map(({ state }) => state);
  return types.filter((type, at) => type !== types[at - 1]);
}

describe("a run whose pod was evicted", () => {
  it("is rescheduled, and runs the lost tasks and those with lost results again", async () => {
    const { fakes, id } = await disrupted();
    await agentFor(fakes);
    await expectRetried(fakes, id);
    expect(statesOf(fakes, id, "extract-1")).toEqual(["Success", "Pending", "Success"]);
    expect(statesOf(fakes, id, "transform-1")).toEqual(["Running", "Pending", "Success"]);
    expect(statesOf(fakes, id, "mail-1")).toEqual(["Success"]);
  });

  it("is rescheduled once by two agents", async () => {
    const { fakes, id } = await disrupted();
    await Promise.all([agentFor(fakes), agentFor(fakes)]);
    await expectRetried(fakes, id);
    expect(fakes.prefect.taskRuns(id).map(({ state }) => state)).toEqual(Array(4).fill("Success"));
  });

  it("becomes Cancelled when somebody cancels it while its tasks are reset", async () => {
    const { fakes, id } = await disrupted();
    const stop = fakes.prefect.onRequest((call, moment) => {
      if (moment !== "after" || !call.fields.includes("set_task_run_states") || !isFromAgent(call)) return;
      stop();
      fakes.prefect.setState(id, { type: "Cancelling" });
    });
    await agentFor(fakes);
    await vi.waitFor(() => expect(fakes.prefect.flowRun(id)?.state).toBe("Cancelled"), WAIT);
    expect(fakes.prefect.history(id).filter(({ type }) => type === "Scheduled")).toHaveLength(1);
  });

  it("becomes Failed with --on-disruption fail", async () => {
    const { fakes, id } = await disrupted();
    const policy = { ...POLICY, onDisruption: "fail" } as const;
    const agent = await startInProcessAgent(fakes, { policy });
    onTestFinished(() => agent.stop());
    await vi.waitFor(() => expect(fakes.prefect.flowRun(id)?.state).toBe("Failed"), WAIT);
    expect(fakes.prefect.flowRun(id)?.state_message).toMatch(/^Kubernetes Error: pod .* was evicted/);
    expect(statesOf(fakes, id, "extract-1")).toEqual(["Success"]);
  });

  it.each(["500", "cut before", "cut after"] as const)(
    "is rescheduled once whichever Prefect call fails: %s",
    async (how) => {
      const effect: FaultEffect =
        how === "500"
          ? { kind: "status", status: 500 }
          : { kind: "cut", when: how === "cut before" ? "before" : "after" };
      for (const from of [1, 7, 13, 19]) {
        const calls = Array.from({ length: 6 }, (_, at) => from + at);
        await Promise.all(
          calls.map(async (nth) => {
            const { fakes, id } = await disrupted();
            fakes.prefect.fault({ effect, nth, match: isFromAgent });
            await agentFor(fakes);
            await expectRetried(fakes, id);
            expect(statesOf(fakes, id, "mail-1")).toEqual(["Success"]);
          }),
        );
      }
    },
  );
});
