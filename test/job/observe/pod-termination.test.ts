import { describe, expect, it } from "vitest";
import { flowSucceeded, isCrashing } from "../../../src/job/observe/pod-termination.ts";
import type { Pod } from "../../../src/kube/client/objects.ts";
import { pod } from "../observed-jobs.ts";

const END = "2026-11-21T12:00:22Z";

/** A pod whose flow has exited with 0 at END. */
function ended(status: Partial<Pod["status"]>): Pod {
  const flow = { name: "flow", state: { terminated: { exitCode: 0, reason: "Completed", finishedAt: END } } };
  return { ...pod(), status: { phase: "Running", containerStatuses: [flow], ...status } };
}

const stoppedAt = (lastTransitionTime: string) => [
  { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", lastTransitionTime },
];

describe("a flow that exited with 0", () => {
  it.each([
    { name: "in a pod that goes on", status: {}, want: true },
    { name: "before its pod failed by a sidecar", status: { phase: "Failed" }, want: true },
    {
      name: "in a pod over its deadline",
      status: { phase: "Failed", reason: "DeadlineExceeded" },
      want: false,
    },
    {
      name: "when its pod was evicted",
      status: { phase: "Failed", reason: "Evicted", conditions: stoppedAt("2026-11-21T12:00:20Z") },
      want: false,
    },
    {
      name: "long before its pod was evicted",
      status: { phase: "Failed", reason: "Evicted", conditions: stoppedAt("2026-11-21T12:00:41Z") },
      want: true,
    },
  ])("$name: success is $want", ({ status, want }) => {
    expect(flowSucceeded(ended(status))).toBe(want);
  });
});

describe("a container that has ended", () => {
  it.each([
    { name: "after a restart", exitCode: 1, restartCount: 1, restartPolicy: "OnFailure", want: true },
    { name: "for the first time", exitCode: 1, restartCount: 0, restartPolicy: "OnFailure", want: false },
    { name: "well", exitCode: 0, restartCount: 1, restartPolicy: "OnFailure", want: false },
    { name: "for good", exitCode: 1, restartCount: 1, restartPolicy: "Never", want: false },
  ])("$name: it is crashing is $want", ({ exitCode, restartCount, restartPolicy, want }) => {
    const status = { name: "flow", restartCount, state: { terminated: { exitCode } } };
    expect(isCrashing(pod({ spec: { restartPolicy } }), status)).toBe(want);
  });
});
