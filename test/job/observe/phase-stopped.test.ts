// The phase of Jobs whose pods Kubernetes or a person has stopped, whatever they exit with.

import { describe, expect, it } from "vitest";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { jobPhase } from "../../../src/job/observe/phase.ts";
import type { JobStatus, Pod } from "../../../src/kube/client/objects.ts";
import {
  at,
  condition,
  ended,
  failedPod,
  job,
  observedJob,
  pod,
  running,
  waiting,
} from "../observed-jobs.ts";

/** A flow that exits with 0 at 60 s, and whose pod is told to end at this time; it has 30 s. */
function stopped(seconds = 50): Pod {
  const metadata = {
    deletionTimestamp: at(seconds + 30).toISOString(),
    deletionGracePeriodSeconds: 30,
  };
  return pod({ metadata, status: { phase: "Succeeded", containerStatuses: [ended("flow", 0)] } });
}

/** The status of a Job that was suspended, and resumed at this time. */
function resumed(seconds: number): JobStatus {
  const suspended = { type: "Suspended", status: "False", lastTransitionTime: at(seconds).toISOString() };
  return { startTime: at(seconds).toISOString(), conditions: [suspended] };
}

/** A pod whose flow the kubelet has started again, 60 s after its creation. */
const restarted = pod({
  spec: { restartPolicy: "OnFailure", containers: [{ name: "flow" }] },
  status: {
    containerStatuses: [
      running("flow", { lastState: { terminated: { exitCode: 1, finishedAt: at(60).toISOString() } } }),
    ],
  },
});

const ALL = "RestartingAllContainers";
const lastEndOf = (reason: string) => ({ terminated: { exitCode: 137, reason } });

describe("the phase of a Job", () => {
  it.each<{ name: string; given: Partial<ObservedJob>; want: string }>([
    {
      name: "a suspended Job whose flow exits with 0 when it is stopped",
      given: { job: job({}, { spec: { suspend: true } }), pods: [stopped()] },
      want: "suspended",
    },
    {
      name: "a flow that exits with 0 when it is drained, before its Job is Failed",
      given: { pods: [stopped()] },
      want: "waiting",
    },
    {
      name: "the same, beside the pod that has replaced it",
      given: { pods: [stopped(), pod({ metadata: { name: "pod-b", uid: "pod-b" } })] },
      want: "live",
    },
    {
      name: "a flow that its kubelet restarts with all containers, for the rule of a sidecar",
      given: {
        pods: [
          pod({ status: { containerStatuses: [{ ...waiting("flow", ALL), lastState: lastEndOf(ALL) }] } }),
        ],
      },
      want: "live",
    },
    {
      name: "a deleted Job whose pod works on without it",
      given: { gone: true, pods: [pod({ metadata: { ownerReferences: [] } })] },
      want: "live",
    },
    {
      name: "a deleted Job whose pod, which it had let go, was deleted, too",
      given: {
        gone: true,
        pods: [pod({ metadata: { ownerReferences: [], deletionTimestamp: at(50).toISOString() } })],
      },
      want: "deleted",
    },
    {
      name: "a flow that had exited with 0 before its pod was deleted",
      given: { pods: [stopped(70)] },
      want: "succeeded",
    },
    {
      name: "a resumed Job whose pod was taken away before",
      given: {
        job: job({}, { status: resumed(300) }),
        pods: [],
        deletedPods: [failedPod(1)],
      },
      want: "waiting",
    },
    {
      name: "a flow that failed in the pod of a resumed Job, which is made a second before startTime is set",
      given: { job: job({}, { status: resumed(1) }), pods: [failedPod(1)] },
      want: "failed",
    },
    {
      name: "the same, restarted by the kubelet",
      given: {
        job: job({}, { spec: { backoffLimit: 6 }, status: resumed(1) }),
        pods: [restarted],
      },
      want: "failed",
    },
    {
      name: "a resumed Job whose pod had failed a moment before",
      given: { job: job({}, { status: resumed(61) }), pods: [failedPod(1)] },
      want: "waiting",
    },
  ])("is $want for $name", ({ given, want }) => {
    expect(jobPhase(observedJob(given)).kind).toBe(want);
  });
});

describe("a Job that Kubernetes gives up for restarts", () => {
  it("names the container that was restarted, sidecars included, and how it last ended", () => {
    const last = { terminated: { exitCode: 1, reason: "Error" } };
    const proxy = { name: "proxy", restartCount: 6, state: { running: {} }, lastState: last };
    const deleted = pod({
      metadata: { deletionTimestamp: at(50).toISOString() },
      spec: {
        restartPolicy: "OnFailure",
        containers: [{ name: "flow" }],
        initContainers: [{ name: "proxy", image: "proxy:1", restartPolicy: "Always" }],
      },
      status: {
        phase: "Running",
        initContainerStatuses: [proxy],
        containerStatuses: [running("flow")],
      },
    });
    const status = { conditions: [condition("FailureTarget", "BackoffLimitExceeded")] };
    const phase = jobPhase(observedJob({ job: job({}, { status }), pods: [deleted] }));
    expect("problem" in phase && phase.problem.message).toBe(
      "Kubernetes gave Job 'prefect-job-a' up (BackoffLimitExceeded) after 6 restarts of container 'proxy', which last exited with code 1",
    );
  });
});

describe("a failed Job whose pod was cleared away while no agent was watching", () => {
  it("is not told as one whose pod was deleted before it finished", () => {
    const failed = { ...condition("Failed", "BackoffLimitExceeded"), message: "Job has reached its limit" };
    const phase = jobPhase(observedJob({ job: job({}, { status: { conditions: [failed] } }), pods: [] }));
    expect(phase).toMatchObject({
      kind: "failed",
      awaits: "pod",
      problem: {
        reason: "Unknown",
        message:
          "Job 'prefect-job-a' failed (Job has reached its limit); its pod is gone, and how it ended is not known",
      },
    });
  });
});
