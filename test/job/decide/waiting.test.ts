// Decisions that wait for something that may still come.

import { describe, expect, it } from "vitest";
import { at, condition, failedPod, job, over, pendingPod, pod, waiting } from "../observed-jobs.ts";
import { actions, decisionsAt } from "./decisions.ts";

describe("decide", () => {
  it.each([
    { onDisruption: "fail" as const, want: "ERROR, fail, delete 1" },
    { onDisruption: "retry" as const, want: "WARNING, reschedule, delete 1" },
  ])("takes a pod for lost that has not ended 30 s after it should have: $want", ({ onDisruption, want }) => {
    const deleted = pod({ metadata: { deletionTimestamp: at(50).toISOString() } });
    const decisions = decisionsAt([40, 79, 80], () => ({
      jobs: [{ pods: [deleted] }],
      policy: { onDisruption },
    }));
    expect(decisions.map(actions)).toEqual(["", "", want]);
    expect(decisions[2]?.reason).toMatch(/its node does not answer/);
  });

  it("reschedules a disrupted run whose pod has not ended 30 s after it should have", () => {
    const disrupted = { ...condition("DisruptionTarget", "DeletionByTaintManager"), message: "gone" };
    const deleted = pod({
      metadata: { deletionTimestamp: at(50).toISOString() },
      status: { phase: "Running", conditions: [disrupted] },
    });
    const decisions = decisionsAt([40, 79, 80], () => ({
      jobs: [{ job: job({}, { status: over("1.35", "failed") }), pods: [deleted] }],
      policy: { onDisruption: "retry" },
    }));
    expect(decisions.map(actions)).toEqual(["", "", "WARNING, reschedule, delete 1"]);
    expect(decisions[1]?.requeueAfterMs).toBe(1_000);
    expect(decisions[2]?.reason).toMatch(/was lost with its node/);
  });

  it("waits ten seconds for the rule of a podFailurePolicy, which the Job's condition names", () => {
    const given = {
      job: job({}, { spec: { backoffLimit: 0, podFailurePolicy: { rules: [] } } }),
      pods: [failedPod(3)],
    };
    const decisions = decisionsAt([61, 69, 70], () => ({ jobs: [given] }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, delete 1"]);
  });

  it("keeps to the last known cause of a pull where the kubelet repeats none", () => {
    const told = pendingPod(waiting("flow", "ErrImagePull", "not found"));
    const untold = pendingPod(waiting("flow", "ImagePullBackOff", 'Back-off pulling image "flows:1"'));
    const decisions = decisionsAt([0, 10, 30], (seconds) => ({
      jobs: [{ pods: [seconds === 0 ? told : untold] }],
    }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, delete 1"]);
  });
});
