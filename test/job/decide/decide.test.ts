import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import {
  at,
  condition,
  ended,
  event,
  failedPod,
  job,
  over,
  pendingPod,
  pod,
  RUN_ID,
  running,
  waiting,
} from "../observed-jobs.ts";
import { actions, decisionOf, decisionsAt, known } from "./decisions.ts";
import type { Given } from "./decisions.ts";

const stuckPod = pendingPod(waiting("flow", "ImagePullBackOff", "not found"));
const failedJob: Partial<ObservedJob> = {
  job: job({}, { status: over("1.35", "failed") }),
  pods: [failedPod()],
};
const doneJob: Partial<ObservedJob> = { job: job({}, { status: over("1.35", "succeeded") }), pods: [] };
const unschedulable = pod({
  status: {
    phase: "Pending",
    containerStatuses: [],
    conditions: [
      { ...condition("PodScheduled", "Unschedulable"), status: "False", message: "0/1 nodes are available" },
    ],
  },
});
const sidecar = pod({
  spec: { restartPolicy: "Never", containers: [{ name: "flow" }, { name: "side" }] },
  status: { phase: "Running", containerStatuses: [ended("flow", 0), running("side")] },
});
const drained = pod({
  metadata: { deletionTimestamp: at(50).toISOString() },
  status: {
    phase: "Failed",
    conditions: [condition("DisruptionTarget", "EvictionByEvictionAPI")],
    containerStatuses: [ended("flow", 143)],
  },
});
const drainedJob: Partial<ObservedJob> = {
  job: job({}, { status: over("1.35", "failed") }),
  pods: [drained],
};
const draining = pod({
  metadata: { deletionTimestamp: at(50).toISOString() },
  status: {
    phase: "Running",
    conditions: [condition("DisruptionTarget", "EvictionByEvictionAPI")],
    containerStatuses: [running("flow")],
  },
});
const drainingJob: Partial<ObservedJob> = {
  job: job({}, { status: over("1.35", "failed") }),
  pods: [draining],
};

function newer(status: ObservedJob["job"]["status"], labels = "bbbbbbbb"): ObservedJob["job"] {
  const meta = {
    name: "prefect-job-b",
    uid: "job-b",
    creationTimestamp: at(300).toISOString(),
    labels: { "prefect.io/flow_run_id": RUN_ID, "prefect.io/identifier": labels },
  };
  return job(meta, { status });
}

describe("decide, at once", () => {
  it.each<{ name: string; given: Given; want: string }>([
    { name: "lets a running Job run", given: {}, want: "" },
    { name: "fails an exit code", given: { jobs: [failedJob] }, want: "ERROR, fail, remove 1" },
    {
      name: "fails an exit code in the words of 1.20",
      given: { jobs: [{ job: job({}, { status: over("1.20", "failed") }), pods: [failedPod()] }] },
      want: "ERROR, fail, remove 1",
    },
    {
      name: "fails before the Job controller has counted",
      given: { jobs: [{ pods: [failedPod()] }] },
      want: "ERROR, fail, remove 1",
    },
    {
      name: "leaves Kubernetes' own retries to it",
      given: {
        jobs: [{ job: job({}, { spec: { backoffLimit: 2 }, status: { failed: 1 } }), pods: [failedPod()] }],
      },
      want: "",
    },
    {
      name: "fails an image name that is none",
      given: { jobs: [{ pods: [pendingPod(waiting("flow", "InvalidImageName"))] }] },
      want: "ERROR, fail, remove 1",
    },
    {
      name: "fails what admission refuses",
      given: {
        jobs: [{ pods: [], events: [event("job-a", ["FailedCreate", "forbidden: violates PodSecurity"])] }],
      },
      want: "ERROR, fail, remove 1",
    },
    { name: "fails a disrupted run", given: { jobs: [drainedJob] }, want: "ERROR, fail, remove 1" },
    {
      name: "reschedules a disrupted run with retry",
      given: { jobs: [drainedJob], policy: { onDisruption: "retry" } },
      want: "WARNING, reschedule, remove 1",
    },
    {
      name: "fails a run whose pod is still being drained",
      given: { jobs: [drainingJob] },
      want: "ERROR, fail, remove 1",
    },
    {
      name: "reschedules no run whose pod still works in its grace",
      given: { jobs: [drainingJob], policy: { onDisruption: "retry" } },
      want: "",
    },
    {
      name: "does not reschedule a program's failure",
      given: { jobs: [failedJob], policy: { onDisruption: "retry" } },
      want: "ERROR, fail, remove 1",
    },
    { name: "fails a Job deleted by hand", given: { jobs: [{ gone: true }] }, want: "ERROR, fail" },
    {
      name: "fails a Job deleted by hand and held by a finalizer, without deleting it again",
      given: { jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }] },
      want: "ERROR, fail",
    },
    {
      name: "says nothing of a Job deleted after its run was over",
      given: { jobs: [{ gone: true }], run: known("Success") },
      want: "",
    },
    {
      name: "removes a completed Job whose run is over",
      given: { jobs: [doneJob], run: known("Success") },
      want: "remove 1",
    },
    {
      name: "tells of a failure after success, and changes no state",
      given: { jobs: [failedJob], run: known("Success") },
      want: "WARNING, remove 1",
    },
    {
      name: "tells of a failure after failure, and changes no state",
      given: { jobs: [failedJob], run: known("Failed") },
      want: "ERROR, remove 1",
    },
    {
      name: "changes no state of a run that waits again",
      given: { jobs: [failedJob], run: known("Scheduled") },
      want: "ERROR, remove 1",
    },
    {
      name: "never fails a cancelled run",
      given: { jobs: [failedJob], run: known("Cancelled") },
      want: "remove 1",
    },
    {
      name: "settles a Cancelling run whose Job ended",
      given: { jobs: [doneJob], run: known("Cancelling") },
      want: "cancelled, remove 1",
    },
    {
      name: "settles a Cancelling run that has nothing left",
      given: { jobs: [], run: known("Cancelling") },
      want: "cancelled",
    },
    {
      name: "settles a Cancelling run whose Job only finalizers hold",
      given: {
        jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }), pods: [] }],
        run: known("Cancelling"),
      },
      want: "cancelled",
    },
    {
      name: "waits with Cancelled while a pod of the dying Job runs",
      given: { jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }], run: known("Cancelling") },
      want: "",
    },
    {
      name: "writes no log of a run that does not exist",
      given: { jobs: [failedJob], run: { kind: "missing" } },
      want: "",
    },
    {
      name: "does nothing to a run that nobody was asked about",
      given: { jobs: [failedJob], run: { kind: "unknown" } },
      want: "remove 1",
    },
    {
      name: "leaves kept Jobs, and settles their runs all the same",
      given: {
        jobs: [
          {
            ...failedJob,
            job: job({ annotations: { "prefect.io/keep": "true" } }, { status: over("1.35", "failed") }),
          },
        ],
      },
      want: "ERROR, fail",
    },
    {
      name: "never deletes where deletion is off",
      given: {
        jobs: [failedJob],
        policy: { deleteFailedAfterMs: undefined, deleteSucceededAfterMs: undefined },
      },
      want: "ERROR, fail",
    },
    {
      name: "does not fail a run that another Job carries on",
      given: { jobs: [failedJob, { job: newer({}) }] },
      want: "ERROR, remove 1",
    },
    {
      name: "does not fail a run for an old Job when the newer one completed",
      given: {
        jobs: [failedJob, { job: newer(over("1.35", "succeeded")), pods: [] }],
        policy: { exitGraceMs: 0 },
      },
      want: "ERROR, WARNING, remove 2",
    },
    {
      name: "fails the run once when all its Jobs failed",
      given: { jobs: [failedJob, { job: newer(over("1.35", "failed")), pods: [failedPod(2)] }] },
      want: "ERROR, ERROR, fail, remove 2",
    },
  ])("$name", ({ given, want }) => {
    expect(actions(decisionOf(given))).toBe(want);
  });

  it("begins the state's message as Prefect's own agent did, and the log with the Job", () => {
    const decision = decisionOf({ jobs: [failedJob] });
    expect(decision.transition).toMatchObject({
      message: "Kubernetes Error: container 'flow' exited with code 1",
    });
    expect(decision.logs[0]).toMatchObject({
      name: "k8s-infra",
      key: "Job prefect-job-a: ",
      tail: { pod: "pod-a", container: "flow" },
    });
  });

  it("asks for no log of a container that never ran", () => {
    const [first] = decisionOf({ jobs: [{ pods: [pendingPod(waiting("flow", "InvalidImageName"))] }] }).logs;
    expect(first?.tail).toBeUndefined();
  });

  it("marks deletions of Jobs that are not over, so that they are looked at once more", () => {
    expect(decisionOf({ jobs: [failedJob] }).deletions).toMatchObject([{ isActive: false }]);
    expect(decisionOf({ jobs: [{ pods: [failedPod()] }] }).deletions).toMatchObject([{ isActive: true }]);
  });

  it("fails a claim's run for another Job only along with that Job's story", () => {
    const mark = (identifier: string): RunStatus =>
      known("Submitted", { context: { kubectl_prefect: { id: "c", scope: "p", identifier } } });
    expect(decisionOf({ jobs: [failedJob], run: mark("aaaaaaaa") }).transition).toMatchObject({
      kind: "fail",
      onlyWithReport: false,
    });
    expect(decisionOf({ jobs: [failedJob], run: mark("cccccccc") }).transition).toMatchObject({
      kind: "fail",
      onlyWithReport: true,
    });
  });

  it("reports the events of pods that have not started, each with its time", () => {
    const events = [event("pod-a", ["Pulling", 'Pulling image "x"', 5])];
    const [said] = decisionOf({
      jobs: [{ pods: [pendingPod(waiting("flow", "ContainerCreating"))], events }],
    }).logs;
    expect(said).toMatchObject({
      level: "DEBUG",
      message: "Event: 'Pulling' on pod 'pod-a'\n\tMessage: Pulling image \"x\"",
      timestamp: at(5),
    });
  });

  it.each<{ name: string; given: Given; want: boolean }>([
    {
      name: "starts",
      given: { jobs: [{ pods: [pendingPod(waiting("flow", "ContainerCreating"))] }] },
      want: true,
    },
    { name: "waits for a node", given: { jobs: [{ pods: [unschedulable] }] }, want: true },
    { name: "is within its start grace", given: { jobs: [{ pods: [stuckPod] }] }, want: true },
    { name: "runs", given: {}, want: false },
    { name: "failed", given: { jobs: [failedJob] }, want: false },
  ])("keeps up the heartbeat of a run whose Job $name: $want", ({ given, want }) => {
    expect(decisionOf(given).heartbeat).toBe(want);
  });
});

describe("decide, over time", () => {
  it.each<{ name: string; given: Given; at: number[]; want: string[] }>([
    {
      name: "an image that cannot be pulled fails after the start grace",
      given: { jobs: [{ pods: [stuckPod] }] },
      at: [0, 29, 30],
      want: ["", "", "ERROR, fail, remove 1"],
    },
    {
      name: "a pod without a node is warned of after a minute, and left",
      given: { jobs: [{ pods: [unschedulable] }] },
      at: [0, 59, 60, 86_400],
      want: ["", "", "WARNING", "WARNING"],
    },
    {
      name: "a pod without a node fails after the pending timeout",
      given: { jobs: [{ pods: [unschedulable] }], policy: { pendingTimeoutMs: 90_000 } },
      at: [0, 60, 89, 90],
      want: ["", "WARNING", "WARNING", "ERROR, fail, remove 1"],
    },
    {
      name: "a sidecar that never ends keeps its Job for a minute after the flow",
      given: { jobs: [{ pods: [sidecar] }], run: known("Success") },
      at: [61, 119, 121],
      want: ["", "", "remove 1"],
    },
    {
      name: "a sidecar that never ends does not fail the run",
      given: { jobs: [{ pods: [sidecar] }] },
      at: [61, 120],
      want: ["", "WARNING, remove 1"],
    },
    {
      name: "a Job that runs on after its run was over goes after a minute",
      given: { run: known("Failed", { updated: at(0) }) },
      at: [1, 59, 60],
      want: ["", "", "remove 1"],
    },
    {
      name: "a completed Job whose run is still Running is told of after a grace",
      given: { jobs: [doneJob] },
      at: [61, 70, 71],
      want: ["", "", "WARNING, remove 1"],
    },
    {
      name: "a cancelled run has its grace",
      given: { run: known("Cancelled", { updated: at(0) }) },
      at: [5, 59, 60],
      want: ["", "", "remove 1"],
    },
    {
      name: "a deleted flow run's Job goes after the grace",
      given: { run: { kind: "missing" } },
      at: [0, 59, 60],
      want: ["", "", "remove 1"],
    },
    {
      name: "a failed Job stays as long as it is told to",
      given: { jobs: [failedJob], run: known("Failed"), policy: { deleteFailedAfterMs: 60_000 } },
      at: [61, 119, 120],
      want: ["ERROR", "ERROR", "ERROR, remove 1"],
    },
    {
      name: "a stuck Job stays as long as it is told to, after its run was failed",
      given: { jobs: [{ pods: [stuckPod] }], run: known("Failed"), policy: { deleteFailedAfterMs: 100_000 } },
      at: [0, 30, 99, 100],
      want: ["", "ERROR", "ERROR", "ERROR, remove 1"],
    },
    {
      name: "a cancelled run's completed Job stays as long as it is told to",
      given: {
        jobs: [{ pods: [pod({ status: { phase: "Succeeded" } })] }],
        run: known("Cancelled"),
        policy: { deleteSucceededAfterMs: 50_000 },
      },
      at: [10, 59, 60],
      want: ["", "", "remove 1"],
    },
  ])("$name", ({ given, at: moments, want }) => {
    expect(decisionsAt(moments, () => given).map(actions)).toEqual(want);
  });

  it("grants a hung process no new grace for each of its heartbeats", () => {
    const decisions = decisionsAt([5, 35, 65], (seconds) => ({
      run: known("Cancelling", { updated: at(seconds - 1) }),
    }));
    expect(decisions.map(actions)).toEqual(["", "", "remove 1"]);
  });

  it("begins the start grace anew when the pod came to run in between", () => {
    const jobs = (seconds: number): Partial<ObservedJob>[] => [seconds === 20 ? {} : { pods: [stuckPod] }];
    expect(decisionsAt([0, 20, 40], (seconds) => ({ jobs: jobs(seconds) })).map(actions)).toEqual([
      "",
      "",
      "",
    ]);
  });

  it("counts a crash loop's short runs into its grace", () => {
    const crashing = { exitCode: 1 };
    const spec = { restartPolicy: "OnFailure", containers: [{ name: "flow" }] };
    const again = { restartCount: 1, lastState: { terminated: crashing } };
    const runs = pod({
      spec,
      status: {
        phase: "Running",
        containerStatuses: [
          { name: "flow", state: { running: { startedAt: at(15).toISOString() } }, ...again },
        ],
      },
    });
    const waits = pod({
      spec,
      status: { phase: "Running", containerStatuses: [{ ...waiting("flow", "CrashLoopBackOff"), ...again }] },
    });
    const decisions = decisionsAt([0, 16, 31], (seconds) => ({
      jobs: [{ pods: [seconds === 16 ? runs : waits] }],
    }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, remove 1"]);
    expect(decisions[2]?.logs[0]?.tail).toMatchObject({ previous: true });
  });

  it("says when to look again", () => {
    const [first, second] = decisionsAt([0, 10], () => ({ jobs: [{ pods: [stuckPod] }] }));
    expect([first?.requeueAfterMs, second?.requeueAfterMs]).toEqual([30_000, 20_000]);
  });

  it("asks for no further look at a Job that is being deleted", () => {
    const decision = decisionOf({
      jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }],
      run: known("Cancelled"),
    });
    expect(decision.requeueAfterMs).toBeUndefined();
  });
});

describe("decide, in a word", () => {
  it.each<{ given: Given; want: string }>([
    { given: {}, want: "active" },
    { given: { jobs: [{ pods: [unschedulable] }] }, want: "pending" },
    { given: { jobs: [{ pods: [stuckPod] }] }, want: "stuck" },
    { given: { jobs: [failedJob] }, want: "failed" },
    { given: { jobs: [doneJob], run: known("Success") }, want: "finished" },
    { given: { jobs: [] }, want: "finished" },
    { given: { run: { kind: "missing" } }, want: "orphaned" },
    { given: { run: known("Cancelling") }, want: "cancelled" },
    { given: { jobs: [{ ...doneJob }, { job: newer({}) }] }, want: "active" },
  ])("$want", ({ given, want }) => {
    expect(decisionOf(given).status).toBe(want);
  });
});
