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

function newerJob(status: ObservedJob["job"]["status"], identifier = "bbbbbbbb"): ObservedJob["job"] {
  const meta = {
    name: "prefect-job-b",
    uid: "job-b",
    creationTimestamp: at(300).toISOString(),
    labels: { "prefect.io/flow_run_id": RUN_ID, "prefect.io/identifier": identifier },
  };
  return job(meta, { status });
}

describe("decide, immediately", () => {
  it.each<{ name: string; given: Given; want: string }>([
    { name: "does nothing about a running Job", given: {}, want: "" },
    {
      name: "fails the run when the flow exits with an error",
      given: { jobs: [failedJob] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "does the same in Kubernetes 1.20",
      given: { jobs: [{ job: job({}, { status: over("1.20", "failed") }), pods: [failedPod()] }] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "fails the run before the Job controller has counted the failure",
      given: { jobs: [{ pods: [failedPod()] }] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "does not fail the run while Kubernetes retries the pod",
      given: {
        jobs: [{ job: job({}, { spec: { backoffLimit: 2 }, status: { failed: 1 } }), pods: [failedPod()] }],
      },
      want: "WARNING",
    },
    {
      name: "fails the run if the image name is invalid",
      given: { jobs: [{ pods: [pendingPod(waiting("flow", "InvalidImageName"))] }] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "fails the run if admission rejects the pod",
      given: {
        jobs: [
          { pods: [], events: [event("job-a", ["FailedCreate", "pods is forbidden: violates PodSecurity"])] },
        ],
      },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "fails a disrupted run by default",
      given: { jobs: [drainedJob] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "reschedules a disrupted run with --on-disruption retry",
      given: { jobs: [drainedJob], policy: { onDisruption: "retry" } },
      want: "WARNING, reschedule, delete 1",
    },
    {
      name: "fails a run whose pod is still being drained",
      given: { jobs: [drainingJob] },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "does not reschedule a run whose pod is still terminating",
      given: { jobs: [drainingJob], policy: { onDisruption: "retry" } },
      want: "",
    },
    {
      name: "does not reschedule a run whose flow failed",
      given: { jobs: [failedJob], policy: { onDisruption: "retry" } },
      want: "ERROR, fail, delete 1",
    },
    {
      name: "fails the run of a Job deleted by hand",
      given: { jobs: [{ gone: true }] },
      want: "ERROR, fail",
    },
    {
      name: "fails the run of a deleted Job held by a finalizer, without deleting the Job again",
      given: { jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }] },
      want: "ERROR, fail",
    },
    {
      name: "does not report a Job deleted after its run was over",
      given: { jobs: [{ gone: true }], run: known("Success") },
      want: "",
    },
    {
      name: "deletes a completed Job whose run is over",
      given: { jobs: [doneJob], run: known("Success") },
      want: "delete 1",
    },
    {
      name: "warns of a failed Job whose run succeeded, and sets no state",
      given: { jobs: [failedJob], run: known("Success") },
      want: "WARNING, delete 1",
    },
    {
      name: "reports a failed Job whose run failed, and sets no state",
      given: { jobs: [failedJob], run: known("Failed") },
      want: "ERROR, delete 1",
    },
    {
      name: "sets no state of a run that is Scheduled again",
      given: { jobs: [failedJob], run: known("Scheduled") },
      want: "ERROR, delete 1",
    },
    {
      name: "never fails a cancelled run",
      given: { jobs: [failedJob], run: known("Cancelled") },
      want: "delete 1",
    },
    {
      name: "sets a Cancelling run to Cancelled when its Job has finished",
      given: { jobs: [doneJob], run: known("Cancelling") },
      want: "cancelled, delete 1",
    },
    {
      name: "sets a Cancelling run without Jobs to Cancelled",
      given: { jobs: [], run: known("Cancelling") },
      want: "cancelled",
    },
    {
      name: "sets a Cancelling run to Cancelled when only finalizers keep its Job",
      given: {
        jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }), pods: [] }],
        run: known("Cancelling"),
      },
      want: "cancelled",
    },
    {
      name: "does not set Cancelled while a pod still runs whose Job has failed",
      given: { jobs: [{ ...failedJob, pods: [pod()] }], run: known("Cancelling") },
      want: "",
    },
    {
      name: "does not set Cancelled while a pod works on without its Job",
      given: { jobs: [{ gone: true }], run: known("Cancelling") },
      want: "",
    },
    {
      name: "does not set Cancelled while a pod of the deleted Job still runs",
      given: { jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }], run: known("Cancelling") },
      want: "",
    },
    {
      name: "writes no log of a run that does not exist",
      given: { jobs: [failedJob], run: { kind: "missing" } },
      want: "",
    },
    {
      name: "only deletes the Job of a run with unknown status",
      given: { jobs: [failedJob], run: { kind: "unknown" } },
      want: "delete 1",
    },
    {
      name: "does not delete a Job annotated to be kept, but fails its run",
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
      name: "does not delete a Job with a pod annotated to be kept",
      given: {
        jobs: [
          {
            ...failedJob,
            pods: [failedPod()].map((each) => ({
              ...each,
              metadata: { ...each.metadata, annotations: { "prefect.io/keep": "true" } },
            })),
          },
        ],
      },
      want: "ERROR, fail",
    },
    {
      name: "deletes nothing if deletion is disabled",
      given: {
        jobs: [failedJob],
        policy: { deleteFailedAfterMs: undefined, deleteSucceededAfterMs: undefined },
      },
      want: "ERROR, fail",
    },
    {
      name: "does not fail a run that another Job continues",
      given: { jobs: [failedJob, { job: newerJob({}) }] },
      want: "ERROR, delete 1",
    },
    {
      name: "does not fail a run for an old Job when the newer one completed",
      given: {
        jobs: [failedJob, { job: newerJob(over("1.35", "succeeded")), pods: [] }],
        policy: { exitGraceMs: 0 },
      },
      want: "ERROR, WARNING, delete 2",
    },
    {
      name: "fails the run once when all its Jobs failed",
      given: { jobs: [failedJob, { job: newerJob(over("1.35", "failed")), pods: [failedPod(2)] }] },
      want: "ERROR, ERROR, fail, delete 2",
    },
  ])("$name", ({ given, want }) => {
    expect(actions(decisionOf(given))).toBe(want);
  });

  it("uses the message of Prefect's own agent for the state, and begins the log entry with the Job", () => {
    const decision = decisionOf({ jobs: [failedJob] });
    expect(decision.transition).toMatchObject({
      message: "Kubernetes Error: container 'flow' exited with code 1",
    });
    expect(decision.logs[0]).toMatchObject({
      key: "Job prefect-job-a: ",
      tail: { pod: "pod-a", container: "flow" },
    });
  });

  it("does not read the log of a container that never ran", () => {
    const [first] = decisionOf({ jobs: [{ pods: [pendingPod(waiting("flow", "InvalidImageName"))] }] }).logs;
    expect(first?.tail).toBeUndefined();
  });

  it("does not fail a run that is claimed for another Job", () => {
    const claimedFor = (identifier: string): RunStatus =>
      known("Submitted", {
        context: { kubectl_prefect: { id: "c", place: { namespace: "p" }, identifier } },
      });
    expect(decisionOf({ jobs: [failedJob], run: claimedFor("aaaaaaaa") }).transition).toMatchObject({
      kind: "fail",
    });
    // It is decided again: the claim may tell a moment later that it has adopted this Job.
    const { transition, requeueAfterMs } = decisionOf({ jobs: [failedJob], run: claimedFor("cccccccc") });
    expect(transition).toBeUndefined();
    expect(requeueAfterMs).toBe(15_000);
  });

  it("reports the events of pods that have not started, each with its time", () => {
    const events = [event("pod-a", ["Pulling", 'Pulling image "x"', 5])];
    const [entry] = decisionOf({
      jobs: [{ pods: [pendingPod(waiting("flow", "ContainerCreating"))], events }],
    }).logs;
    expect(entry).toMatchObject({
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
  ])("sends heartbeats for a run whose Job $name: $want", ({ given, want }) => {
    expect(decisionOf(given).heartbeat).toBe(want);
  });
});

describe("decide, over time", () => {
  it.each<{ name: string; given: Given; at: number[]; want: string[] }>([
    {
      name: "fails a run whose image cannot be pulled after the start grace",
      given: { jobs: [{ pods: [stuckPod] }] },
      at: [0, 29, 30],
      want: ["", "", "ERROR, fail, delete 1"],
    },
    {
      name: "warns of an unschedulable pod after a minute, and does not fail the run",
      given: { jobs: [{ pods: [unschedulable] }] },
      at: [0, 59, 60, 86_400],
      want: ["", "", "WARNING", "WARNING"],
    },
    {
      name: "fails a run with an unschedulable pod after the pending timeout",
      given: {
        jobs: [{ pods: [unschedulable] }],
        run: known("Submitted"),
        policy: { pendingTimeoutMs: 90_000 },
      },
      at: [0, 60, 89, 90],
      want: ["", "WARNING", "WARNING", "ERROR, fail, delete 1"],
    },
    {
      name: "deletes a Job whose sidecar still runs a minute after the flow",
      given: { jobs: [{ pods: [sidecar] }], run: known("Success") },
      at: [61, 119, 121],
      want: ["", "", "delete 1"],
    },
    {
      name: "does not fail a run because a sidecar still runs",
      given: { jobs: [{ pods: [sidecar] }] },
      at: [61, 120],
      want: ["", "WARNING, delete 1"],
    },
    {
      name: "deletes a Job that still runs a minute after its run was over",
      given: { run: known("Failed", { updated: at(0) }) },
      at: [1, 59, 60],
      want: ["", "", "delete 1"],
    },
    {
      name: "warns of a completed Job whose run is still Running after a grace",
      given: { jobs: [doneJob] },
      at: [61, 70, 71],
      want: ["", "", "WARNING, delete 1"],
    },
    {
      name: "deletes the Job of a cancelled run after the cancel grace",
      given: { run: known("Cancelled", { updated: at(0) }) },
      at: [5, 59, 60],
      want: ["", "", "delete 1"],
    },
    {
      name: "deletes the Job of a missing run after the cancel grace",
      given: { run: { kind: "missing" } },
      at: [0, 59, 60],
      want: ["", "", "delete 1"],
    },
    {
      name: "keeps a failed Job for the configured time",
      given: { jobs: [failedJob], run: known("Failed"), policy: { deleteFailedAfterMs: 60_000 } },
      at: [61, 119, 120],
      want: ["ERROR", "ERROR", "ERROR, delete 1"],
    },
    {
      name: "keeps a Job that still tries to start for a minute after its run failed, not as long as a finished one",
      given: { jobs: [{ pods: [stuckPod] }], run: known("Failed"), policy: { deleteFailedAfterMs: 100_000 } },
      at: [0, 30, 59, 60],
      want: ["", "ERROR", "ERROR", "ERROR, delete 1"],
    },
    {
      name: "keeps the completed Job of a cancelled run for the configured time",
      given: {
        jobs: [{ pods: [pod({ status: { phase: "Succeeded" } })] }],
        run: known("Cancelled"),
        policy: { deleteSucceededAfterMs: 50_000 },
      },
      at: [10, 59, 60],
      want: ["", "", "delete 1"],
    },
  ])("$name", ({ given, at: times, want }) => {
    expect(decisionsAt(times, () => given).map(actions)).toEqual(want);
  });

  it("does not restart the cancel grace at each heartbeat of a hung process", () => {
    const decisions = decisionsAt([5, 35, 65], (seconds) => ({
      run: known("Cancelling", { updated: at(seconds - 1) }),
    }));
    expect(decisions.map(actions)).toEqual(["", "", "delete 1"]);
  });

  it("restarts the start grace when the pod ran in between", () => {
    const jobs = (seconds: number): Partial<ObservedJob>[] => [seconds === 20 ? {} : { pods: [stuckPod] }];
    expect(decisionsAt([0, 20, 40], (seconds) => ({ jobs: jobs(seconds) })).map(actions)).toEqual([
      "",
      "",
      "",
    ]);
  });

  it("does not restart the start grace when a crash looping container runs briefly", () => {
    const crashing = { exitCode: 1 };
    const spec = {
      restartPolicy: "OnFailure",
      containers: [{ name: "flow" }],
      initContainers: [{ name: "prep" }],
    };
    const again = { restartCount: 1, lastState: { terminated: crashing } };
    const containerStatuses = [waiting("flow", "PodInitializing")];
    const running = { name: "prep", state: { running: { startedAt: at(15).toISOString() } }, ...again };
    const runs = pod({
      spec,
      status: { phase: "Pending", containerStatuses, initContainerStatuses: [running] },
    });
    const back = { ...waiting("prep", "CrashLoopBackOff"), ...again };
    const waits = pod({
      spec,
      status: { phase: "Pending", containerStatuses, initContainerStatuses: [back] },
    });
    const decisions = decisionsAt([0, 16, 31], (seconds) => ({
      jobs: [{ pods: [seconds === 16 ? runs : waits] }],
    }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, delete 1"]);
    expect(decisions[2]?.logs[0]?.tail).toMatchObject({ previous: true });
  });

  it("returns when to decide again", () => {
    const [first, second] = decisionsAt([0, 10], () => ({ jobs: [{ pods: [stuckPod] }] }));
    expect([first?.requeueAfterMs, second?.requeueAfterMs]).toEqual([30_000, 20_000]);
  });

  it("does not decide again about a Job that is being deleted", () => {
    const decision = decisionOf({
      jobs: [{ job: job({ deletionTimestamp: at(50).toISOString() }) }],
      run: known("Cancelled"),
    });
    expect(decision.requeueAfterMs).toBeUndefined();
  });
});

describe("the status of a decision", () => {
  it.each<{ given: Given; want: string }>([
    { given: {}, want: "active" },
    { given: { jobs: [{ pods: [unschedulable] }] }, want: "pending" },
    { given: { jobs: [{ pods: [stuckPod] }] }, want: "stuck" },
    { given: { jobs: [failedJob] }, want: "failed" },
    { given: { jobs: [doneJob], run: known("Success") }, want: "finished" },
    { given: { jobs: [] }, want: "finished" },
    { given: { run: { kind: "missing" } }, want: "orphaned" },
    { given: { run: known("Cancelling") }, want: "cancelled" },
    { given: { jobs: [{ ...doneJob }, { job: newerJob({}) }] }, want: "active" },
  ])("$want", ({ given, want }) => {
    expect(decisionOf(given).status).toBe(want);
  });
});
