// A flow run whose pod is evicted, with --on-disruption retry: its lost tasks are reset and it is rescheduled once, also if a
// call fails or two agents supervise it. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { World } from "../../simulation/world.ts";
import { CALL_FAILURES, isFromAgent } from "../support/api-calls.ts";
import { simulateFlowRun } from "../support/fakes.ts";
import { JOB_NAME, putRunJob } from "../support/run-job.ts";

const RETRY = { policy: { onDisruption: "retry" } } as const satisfies { readonly policy: Partial<Policy> };
const LONGEST_MS = 600_000;
const RESULT = { type: "Result", __version__: "1.4.1", location: null };

let world: World;
let id = "";
/** The Jobs of which a pod has started. */
let started: Set<string>;
afterEach(() => world.close());

/** A run whose pod is evicted while `transform` runs, which needs the result of `extract`; that result was not stored. */
function disrupt(outcome: "evict" | "never" = "evict"): void {
  started = new Set();
  const isFirst = (job: Job): boolean => job.metadata.name === JOB_NAME;
  world = new World({
    flows: {
      script: (job) => {
        started.add(job.metadata.uid);
        return isFirst(job) ? { outcome } : { outcome: "succeed", runMs: 1_000 };
      },
      onPhase: (job, _pod, phase) => {
        if (!isFirst(job)) simulateFlowRun(world.prefect, id, phase);
      },
    },
  });
  const flow = world.prefect.createFlow({
    name: "etl",
    tasks: ["extract-1", "mail-1", "transform-1", "load-1"].map((slug) => ({ slug })),
    edges: [
      { from: "extract-1", to: "mail-1", key: "rows" },
      { from: "extract-1", to: "transform-1", key: "rows" },
      { from: "transform-1", to: "load-1", key: "rows" },
    ],
  });
  ({ id } = world.prefect.createFlowRun({ flow }));
  world.prefect.setState(id, { type: "Running" });
  for (const slug of ["extract-1", "mail-1"])
    world.prefect.setTaskState(taskRun(slug), { type: "Success", _result: RESULT });
  world.prefect.setTaskState(taskRun("transform-1"), { type: "Running" });
  putRunJob(world.kube, id);
}

function taskRun(slug: string): string {
  const { task } = world.prefect.store.tables;
  return world.prefect.taskRuns(id).find((run) => task.get(run.task_id)?.slug === slug)?.id ?? "";
}

/** Waits for the end; then the run's states, how many Jobs it had, and what its log says above DEBUG. */
async function retried() {
  const isOver = (): boolean => world.state(id) === "Success" && world.kube.list("jobs").length === 0;
  await world.time.until(isOver, LONGEST_MS);
  const lines = world.logs(id).filter(({ name, level }) => name === "k8s-infra" && level !== "DEBUG");
  return {
    states: world.prefect.statesOf(id),
    jobs: started.size,
    lines: lines.map(({ level, message }) => `${level} ${message.split("\n")[0]}`),
    mail: statesOf("mail-1"),
  };
}

const RETRIED = {
  states: ["Scheduled", "Running", "Scheduled", "Submitted", "Running", "Success"],
  jobs: 2,
  lines: [
    expect.stringMatching(new RegExp(`^WARNING Job ${JOB_NAME}: pod '.*' on node .* was evicted`)) as unknown,
    `WARNING After Job ${JOB_NAME}: Task runs that run again: 1 running in the lost pod (transform); 1 finished, but their results were stored nowhere else (extract)`,
  ],
  mail: ["Success"],
};

/** The states that a task run had, without repetitions: Pending may be set twice. */
function statesOf(slug: string): string[] {
  const all = [...world.prefect.store.tables.task_run_state.having("task_run_id", taskRun(slug))];
  const types = all.toSorted((a, b) => a.version - b.version).map(({ state }) => state);
  return types.filter((type, at) => type !== types[at - 1]);
}

describe("a run whose pod was evicted", () => {
  it("is rescheduled, and runs the lost tasks and those with lost results again", async () => {
    disrupt();
    world.start(RETRY);
    expect(await retried()).toEqual(RETRIED);
    expect(statesOf("extract-1")).toEqual(["Success", "Pending", "Success"]);
    expect(statesOf("transform-1")).toEqual(["Running", "Pending", "Success"]);
  });

  it("is rescheduled once by two agents", async () => {
    disrupt();
    world.start(RETRY);
    world.start(RETRY);
    expect(await retried()).toEqual(RETRIED);
    expect(world.prefect.taskRuns(id).map(({ state }) => state)).toEqual(Array(4).fill("Success"));
  });

  it("is rescheduled for when the old pod can have ended, if a rebooted node runs the flow again", async () => {
    disrupt("never");
    world.start(RETRY);
    const phase = (): unknown => world.kube.list("pods").map(({ status }) => status?.["phase"]);
    await world.time.until(() => String(phase()) === "Running", LONGEST_MS);
    const lastState = { terminated: { exitCode: 255, reason: "Unknown" } };
    const [pod] = world.kube.list("pods");
    const containerStatuses = [{ name: "flow", state: { running: {} }, lastState }];
    world.kube.put("pods", { ...pod, status: { ...pod?.status, containerStatuses } });
    await world.time.until(() => world.state(id) === "Scheduled", LONGEST_MS);
    const [last] = world.prefect.history(id).slice(-1);
    const dueMs = Date.parse(String(last?.state["start_time"]));
    expect((dueMs - world.time.nowMs) / 1_000).toBeGreaterThan(25);
  });

  it("becomes Cancelled when somebody cancels it while its tasks are reset", async () => {
    disrupt();
    const stop = world.prefect.onRequest((call, moment) => {
      if (moment !== "after" || !call.fields.includes("set_task_run_states") || !isFromAgent(call)) return;
      stop();
      world.prefect.setState(id, { type: "Cancelling" });
    });
    world.start(RETRY);
    await world.time.until(() => world.state(id) === "Cancelled", LONGEST_MS);
    expect(world.prefect.history(id).filter(({ type }) => type === "Scheduled")).toHaveLength(1);
  });

  it("becomes Failed with --on-disruption fail", async () => {
    disrupt();
    world.start({ policy: { onDisruption: "fail" } });
    await world.time.until(() => world.state(id) === "Failed", LONGEST_MS);
    expect(world.prefect.flowRun(id)?.state_message).toMatch(/^Kubernetes Error: pod .* was evicted/);
    expect(statesOf("extract-1")).toEqual(["Success"]);
  });

  it.each(["500", "cut before", "cut after"] as const)(
    "is rescheduled once whichever call to Prefect fails: %s",
    async (failure) => {
      disrupt();
      world.start(RETRY);
      await retried();
      const calls = world.prefect.requests.entries().filter(isFromAgent).length;
      expect(calls).toBeGreaterThan(10);
      for (let nth = 1; nth <= calls; nth++) {
        world.close();
        disrupt();
        const fault = world.prefect.fault({ nth, match: isFromAgent, effect: CALL_FAILURES[failure] });
        world.start(RETRY);
        expect({ nth, ...(await retried()) }).toEqual({ nth, ...RETRIED });
        expect({ nth, hits: fault.hits() }).toEqual({ nth, hits: 1 });
      }
    },
  );
});
