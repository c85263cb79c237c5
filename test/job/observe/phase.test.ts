import { describe, expect, it } from "vitest";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { isLive, jobPhase } from "../../../src/job/observe/phase.ts";
import type { Pod } from "../../../src/kube/client/objects.ts";
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
  observedJob,
  running,
  waiting,
} from "../observed-jobs.ts";

const deletedAt = { deletionTimestamp: at(50).toISOString() };

function withInit(restartPolicy: string | undefined, status: Pod["status"], ofPod = "Never"): Pod {
  const init = { name: "proxy", image: "proxy:1", ...(restartPolicy === undefined ? {} : { restartPolicy }) };
  return pod({
    spec: { restartPolicy: ofPod, containers: [{ name: "flow" }], initContainers: [init] },
    status,
  });
}

const IN_CRASH_LOOP = withInit(
  undefined,
  { phase: "Pending", initContainerStatuses: [waiting("proxy", "CrashLoopBackOff")], containerStatuses: [] },
  "OnFailure",
);

/** The phase's kind; how long to wait, if something is in the flow's way; the problem's reason, if there is one. */
function phaseOf(given: Partial<ObservedJob>): string {
  const phase = jobPhase(observedJob(given));
  const kind = phase.kind === "waiting" ? String(phase.problem.patience) : phase.kind;
  return "problem" in phase ? `${kind} ${phase.problem.reason}` : kind;
}

const FLOW_AND_SIDECAR = { restartPolicy: "Never", containers: [{ name: "flow" }, { name: "side" }] };

describe("jobPhase", () => {
  it.each<{ name: string; given: Partial<ObservedJob>; want: string }>([
    { name: "a running pod", given: {}, want: "live" },
    {
      name: "a pod that is being created",
      given: { pods: [pendingPod(waiting("flow", "ContainerCreating"))] },
      want: "live",
    },
    {
      name: "a suspended Job",
      given: { job: job({}, { spec: { suspend: true } }), pods: [] },
      want: "suspended",
    },
    { name: "a Job without a pod", given: { pods: [] }, want: "pending NoPod" },
    {
      name: "Complete in 1.20",
      given: { job: job({}, { status: over("1.20", "succeeded") }) },
      want: "succeeded",
    },
    {
      name: "Complete in 1.35",
      given: { job: job({}, { status: over("1.35", "succeeded") }) },
      want: "succeeded",
    },
    {
      name: "SuccessCriteriaMet alone",
      given: { job: job({}, { status: { conditions: [condition("SuccessCriteriaMet")] } }) },
      want: "succeeded",
    },
    {
      name: "a succeeded pod before its Job reports it",
      given: { pods: [pod({ status: { phase: "Succeeded" } })] },
      want: "succeeded",
    },
    {
      name: "a failed pod before its Job reports it",
      given: { pods: [failedPod()] },
      want: "failed ExitCode",
    },
    {
      name: "a failed flow container beside a running sidecar",
      given: {
        pods: [
          pod({
            spec: FLOW_AND_SIDECAR,
            status: { phase: "Running", containerStatuses: [ended("flow", 3), running("side")] },
          }),
        ],
      },
      want: "failed ExitCode",
    },
    {
      name: "a succeeded flow container beside a running sidecar",
      given: {
        pods: [
          pod({
            spec: FLOW_AND_SIDECAR,
            status: { phase: "Running", containerStatuses: [running("side"), ended("flow", 0)] },
          }),
        ],
      },
      want: "sidecarRunning",
    },
    {
      name: "a sidecar that failed after the flow succeeded",
      given: {
        job: job({}, { status: over("1.35", "failed") }),
        pods: [
          pod({
            spec: FLOW_AND_SIDECAR,
            status: { phase: "Failed", containerStatuses: [ended("flow", 0), ended("side", 5)] },
          }),
        ],
      },
      want: "succeeded",
    },
    {
      name: "a native sidecar that runs while the flow does",
      given: {
        pods: [
          withInit("Always", {
            phase: "Running",
            initContainerStatuses: [running("proxy")],
            containerStatuses: [running("flow")],
          }),
        ],
      },
      want: "live",
    },
    {
      name: "a native sidecar killed after the flow failed",
      given: {
        pods: [
          withInit("Always", {
            phase: "Failed",
            initContainerStatuses: [ended("proxy", 143)],
            containerStatuses: [ended("flow", 2)],
          }),
        ],
      },
      want: "failed ExitCode",
    },
    {
      name: "a native sidecar whose image cannot be pulled",
      given: {
        pods: [
          withInit("Always", {
            phase: "Pending",
            initContainerStatuses: [waiting("proxy", "ErrImagePull", "not found")],
            containerStatuses: [waiting("flow", "PodInitializing")],
          }),
        ],
      },
      want: "start ImagePull",
    },
    {
      name: "an init container in a crash loop, where the template wants restarts",
      given: { job: job({}, { spec: { backoffLimit: 2 } }), pods: [IN_CRASH_LOOP] },
      want: "pending CrashLoop",
    },
    {
      name: "a failed init container",
      given: { pods: [withInit(undefined, { phase: "Failed", initContainerStatuses: [ended("proxy", 1)] })] },
      want: "failed InitContainer",
    },
    {
      name: "the first failure with backoffLimit 2",
      given: { job: job({}, { spec: { backoffLimit: 2 }, status: { failed: 1 } }), pods: [failedPod()] },
      want: "pending NoPod",
    },
    {
      name: "the third failure with backoffLimit 2",
      given: { job: job({}, { spec: { backoffLimit: 2 }, status: { failed: 3 } }), pods: [failedPod()] },
      want: "failed ExitCode",
    },
    {
      name: "the first failure of a Job of Prefect's own agent, which sets no backoffLimit",
      given: { job: job({}, { spec: { backoffLimit: 6 }, status: { failed: 1 } }), pods: [failedPod()] },
      want: "failed ExitCode",
    },
    {
      name: "the same, and Kubernetes has started the flow again",
      given: {
        job: job(
          { annotations: { "prefect.io/agent": '{"name":"a","fromOriginal":true}' } },
          { spec: { backoffLimit: 6 }, status: { failed: 1 } },
        ),
        pods: [failedPod(), pod({ metadata: { uid: "pod-b", name: "pod-b" } })],
      },
      want: "failed ExitCode",
    },
    {
      name: "the first failure with backoffLimit 6 in our agent's template",
      given: {
        job: job(
          { annotations: { "prefect.io/agent": '{"name":"a"}' } },
          { spec: { backoffLimit: 6 }, status: { failed: 1 } },
        ),
        pods: [failedPod()],
      },
      want: "pending NoPod",
    },
    {
      name: "the first failure with backoffLimit 2, beside a running sidecar",
      given: {
        job: job({}, { spec: { backoffLimit: 2 } }),
        pods: [
          pod({ spec: FLOW_AND_SIDECAR, status: { containerStatuses: [ended("flow", 3), running("side")] } }),
        ],
      },
      want: "retried ExitCode",
    },
    {
      name: "a second pod that runs after the first failed",
      given: {
        job: job({}, { spec: { backoffLimit: 2 }, status: { failed: 1 } }),
        pods: [failedPod(), pod({ metadata: { uid: "pod-b", name: "pod-b" } })],
      },
      want: "live",
    },
    {
      name: "a replacement that cannot start beside a pod that is being deleted",
      given: {
        pods: [pod({ metadata: deletedAt }), pendingPod(waiting("flow", "ImagePullBackOff", "not found"))],
      },
      want: "start ImagePull",
    },
    {
      name: "deadline exceeded in 1.20",
      given: {
        job: job(
          {},
          { spec: { activeDeadlineSeconds: 5 }, status: over("1.20", "failed", "DeadlineExceeded") },
        ),
        pods: [],
      },
      want: "failed DeadlineExceeded",
    },
    {
      name: "deadline exceeded in 1.35, the pod still terminating",
      given: {
        job: job({}, { status: { conditions: [condition("FailureTarget", "DeadlineExceeded")] } }),
        pods: [pod({ metadata: deletedAt })],
      },
      want: "failed DeadlineExceeded",
    },
    {
      name: "a pod's own deadline",
      given: {
        pods: [
          pod({
            status: { phase: "Failed", reason: "DeadlineExceeded", containerStatuses: [ended("flow", 137)] },
          }),
        ],
      },
      want: "failed DeadlineExceeded",
    },
    {
      name: "evicted by its kubelet in 1.20",
      given: {
        pods: [
          pod({
            status: { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
          }),
        ],
      },
      want: "disrupted Evicted",
    },
    {
      name: "evicted by its kubelet in 1.35",
      given: {
        job: job({}, { status: over("1.35", "failed") }),
        pods: [
          pod({
            status: {
              phase: "Failed",
              reason: "Evicted",
              conditions: [condition("DisruptionTarget", "TerminationByKubelet")],
              containerStatuses: [ended("flow", 137)],
            },
          }),
        ],
      },
      want: "disrupted Evicted",
    },
    {
      name: "node shut down",
      given: { pods: [pod({ status: { phase: "Failed", reason: "Terminated" } })] },
      want: "disrupted Disrupted",
    },
    {
      name: "rejected by its kubelet",
      given: { pods: [pod({ status: { phase: "Failed", reason: "OutOfcpu" } })] },
      want: "disrupted Disrupted",
    },
    {
      name: "node lost in 1.20",
      given: { pods: [pod({ status: { phase: "Failed", reason: "NodeLost" } })] },
      want: "disrupted NodeLost",
    },
    ...(
      [
        ["EvictionByEvictionAPI", "Disrupted"],
        ["PreemptionByScheduler", "Disrupted"],
        ["DeletionByTaintManager", "NodeLost"],
        ["DeletionByPodGC", "NodeLost"],
      ] as const
    ).map(([reason, code]) => ({
      name: `DisruptionTarget ${reason}`,
      given: {
        job: job({}, { status: { conditions: [condition("FailureTarget", "BackoffLimitExceeded")] } }),
        pods: [
          pod({
            metadata: deletedAt,
            status: { phase: "Running", conditions: [condition("DisruptionTarget", reason)] },
          }),
        ],
      },
      want: `disrupted ${code}`,
    })),
    {
      name: "a pod deleted by hand, still terminating",
      given: {
        job: job(
          {},
          { status: { failed: 1, conditions: [condition("FailureTarget", "BackoffLimitExceeded")] } },
        ),
        pods: [pod({ metadata: deletedAt })],
      },
      want: "failed PodDeleted",
    },
    {
      name: "a pod deleted by hand, terminated and gone",
      given: {
        job: job({}, { status: over("1.35", "failed") }),
        pods: [],
        deletedPods: [
          pod({ metadata: deletedAt, status: { phase: "Failed", containerStatuses: [ended("flow", 137)] } }),
        ],
      },
      want: "failed PodDeleted",
    },
    {
      name: "a pod deleted by hand that had run out of memory",
      given: {
        job: job({}, { status: over("1.35", "failed") }),
        pods: [
          pod({
            metadata: deletedAt,
            status: { phase: "Failed", containerStatuses: [ended("flow", 137, { reason: "OOMKilled" })] },
          }),
        ],
      },
      want: "failed OOMKilled",
    },
    {
      name: "a pod deleted in 1.20, which creates another",
      given: { pods: [], deletedPods: [pod({ metadata: deletedAt })] },
      want: "pending NoPod",
    },
    { name: "a deleted Job", given: { gone: true }, want: "deleted JobDeleted" },
    {
      name: "a Job held by a finalizer, its pod killed with it",
      given: {
        job: job(deletedAt),
        pods: [
          pod({ metadata: deletedAt, status: { phase: "Failed", containerStatuses: [ended("flow", 143)] } }),
        ],
      },
      want: "deleted JobDeleted",
    },
    {
      name: "a Job deleted after its pod had failed",
      given: { gone: true, pods: [failedPod()] },
      want: "failed ExitCode",
    },
    {
      name: "a Job deleted after its flow had succeeded beside a sidecar",
      given: {
        job: job(deletedAt),
        pods: [
          pod({
            spec: FLOW_AND_SIDECAR,
            status: { phase: "Running", containerStatuses: [ended("flow", 0), running("side")] },
          }),
        ],
      },
      want: "succeeded",
    },
    {
      name: "a crash loop that Kubernetes gave up",
      given: {
        job: job({}, { status: over("1.35", "failed") }),
        pods: [],
        deletedPods: [
          pod({
            metadata: deletedAt,
            spec: { restartPolicy: "OnFailure", containers: [{ name: "flow" }] },
            status: {
              phase: "Running",
              containerStatuses: [
                {
                  name: "flow",
                  restartCount: 3,
                  state: { running: {} },
                  lastState: { terminated: { exitCode: 9 } },
                },
              ],
            },
          }),
        ],
      },
      want: "failed ExitCode",
    },
  ])("$name: $want", ({ given, want }) => {
    expect(phaseOf(given)).toBe(want);
  });

  it.each([
    {
      reason: "Quota",
      message: 'Error creating: pods "a-" is forbidden: exceeded quota: q, requested: pods=1',
      want: "pending Quota",
    },
    {
      reason: "ServiceAccount",
      message:
        'Error creating: pods "a-" is forbidden: error looking up service account flows/x: serviceaccount "x" not found',
      want: "start ServiceAccount",
    },
    {
      reason: "Pod Security",
      message:
        'Error creating: pods "a-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot',
      want: "none Admission",
    },
    {
      reason: "a webhook",
      message: 'Error creating: admission webhook "v.example" denied the request: no',
      want: "none Admission",
    },
    {
      reason: "a webhook that times out",
      message: "Error creating: Internal error occurred: failed calling webhook: timeout",
      want: "passing NoPod",
    },
  ])("reads from the Job's events that $reason prevents its pod: $want", ({ message, want }) => {
    const { uid } = job().metadata;
    expect(phaseOf({ pods: [], events: [event(uid, ["FailedCreate", message])] })).toBe(want);
  });

  it("ignores the Job's events once there is a pod", () => {
    expect(phaseOf({ events: [event("job-a", ["FailedCreate", "forbidden: exceeded quota"])] })).toBe("live");
  });

  it("contains when the flow finished", () => {
    const phase = jobPhase(
      observedJob({ job: job({}, { status: over("1.35", "failed") }), pods: [failedPod()] }),
    );
    expect(phase).toMatchObject({ endedAt: at(60) });
  });

  it("contains the problem of the newest of several pods", () => {
    const second = pod({
      metadata: { uid: "pod-b", name: "pod-b", creationTimestamp: at(10).toISOString() },
      status: { phase: "Failed", containerStatuses: [ended("flow", 7)] },
    });
    const phase = jobPhase(observedJob({ pods: [failedPod(3), second] }));
    expect(phase).toMatchObject({
      problem: { pod: "pod-b", message: "container 'flow' exited with code 7" },
    });
  });
});

/** A running pod whose grace period ended so many seconds from now. */
function leaving(s: number): Pod {
  const deletionTimestamp = at(100 + s).toISOString();
  const status = { phase: "Running", containerStatuses: [running("flow")] };
  return pod({ metadata: { deletionTimestamp }, status });
}

describe("isLive", () => {
  it.each([
    { given: {}, want: true },
    { given: { pods: [] }, want: true },
    { given: { pods: [pendingPod(waiting("flow", "ErrImagePull", "not found"))] }, want: false },
    { given: { pods: [failedPod()] }, want: false },
    { given: { pods: [leaving(-20)] }, want: true },
    { given: { pods: [leaving(-40)] }, want: false },
  ])("is $want", ({ given, want }) => {
    expect(isLive(jobPhase(observedJob(given)), at(100))).toBe(want);
  });
});
