// Decisions that wait for something that may still come.

import { describe, expect, it } from "vitest";
import type { ContainerStatus } from "../../../src/kube/client/objects.ts";
import {
  at,
  condition,
  ended,
  failedPod,
  job,
  over,
  pendingPod,
  pod,
  running,
  waiting,
} from "../observed-jobs.ts";
import { actions, decisionsAt, known } from "./decisions.ts";

describe("decide", () => {
  it("keeps a run alive while its flow's container waits for the restart that its template asks for", () => {
    const crashed = { ...waiting("flow", "CrashLoopBackOff"), lastState: { terminated: { exitCode: 1 } } };
    const again = running("flow", { lastState: { terminated: { exitCode: 1 } } });
    const spec = { restartPolicy: "OnFailure", containers: [{ name: "flow" }] };
    const [whileWaiting, whileRunning] = decisionsAt([80, 90], (seconds) => ({
      jobs: [
        {
          job: job({}, { spec: { backoffLimit: 20 } }),
          pods: [pod({ spec, status: { containerStatuses: [seconds === 80 ? crashed : again] } })],
        },
      ],
    }));
    expect(whileWaiting?.heartbeat).toBe(true);
    expect(whileRunning?.heartbeat).toBe(false);
  });

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
    expect(decisions[2]?.logs.at(-1)?.message).toMatch(/kubectl describe node node-1$/m);
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

  it("reschedules a run whose flow runs again on a rebooted node for when its pod can have ended", () => {
    const lastState = { terminated: { exitCode: 255, reason: "Unknown" } };
    const spec = { restartPolicy: "OnFailure", terminationGracePeriodSeconds: 45 };
    const rebooted = pod({ spec, status: { containerStatuses: [running("flow", { lastState })] } });
    const [decision] = decisionsAt([60], () => ({
      jobs: [{ job: job({}, { spec: { backoffLimit: 6 } }), pods: [rebooted] }],
      policy: { onDisruption: "retry" },
    }));
    expect(decision?.transition).toMatchObject({ kind: "reschedule", minDelayMs: 45_000 });
    expect(decision?.deletions).toHaveLength(1);
  });

  it("does not say when it decides again while Kubernetes is to replace a lost pod", () => {
    const deleted = pod({ metadata: { deletionTimestamp: at(50).toISOString() } });
    const given = { jobs: [{ job: job({}, { spec: { backoffLimit: 3 } }), pods: [deleted] }] };
    const [decision] = decisionsAt([600], () => given);
    expect(decision).toMatchObject({ status: "active", reason: "its pod is being deleted" });
    expect(decision?.requeueAfterMs).toBeUndefined();
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

  it("warns of no pod that it fails soon, however long --start-grace is", () => {
    const stuck = pendingPod(waiting("flow", "CreateContainerConfigError", 'secret "absent" not found'));
    const policy = { startGraceMs: 300_000, pendingWarnMs: 60_000 };
    const decisions = decisionsAt([0, 299, 300], () => ({ jobs: [{ pods: [stuck] }], policy }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, delete 1"]);
  });

  const besideSidecar = {
    pods: [
      pod({
        spec: { restartPolicy: "Never", containers: [{ name: "flow" }, { name: "side" }] },
        status: { phase: "Running", containerStatuses: [ended("flow", 3), running("side")] },
      }),
    ],
  };

  it.each([
    { run: known("Failed"), want: ["ERROR", "ERROR", "ERROR, delete 1"] },
    { run: known("Cancelled", { updated: at(60) }), want: ["", "", "delete 1"] },
    { run: known("Cancelling", { updated: at(60) }), want: ["", "", "delete 1"] },
    { run: known("Running"), want: ["ERROR, fail", "ERROR, fail", "ERROR, fail"] },
  ])(
    "deletes a failed Job whose sidecar runs on a minute after its run's end, even if finished ones are kept: $run.state.name",
    ({ run, want }) => {
      const given = { jobs: [besideSidecar], run, policy: { deleteFailedAfterMs: undefined } };
      expect(decisionsAt([61, 119, 120], () => given).map(actions)).toEqual(want);
    },
  );

  it("warns of a container that waits for what nobody knows, unless it is a sidecar of a flow that runs", () => {
    const spec = { restartPolicy: "Never", containers: [{ name: "flow" }, { name: "side" }] };
    const held = waiting("side", "Held", "by its provider");
    const logsOf = (flow: ContainerStatus): string[] => {
      const status = { phase: "Pending", containerStatuses: [flow, held] };
      const decisions = decisionsAt([10, 70, 9_000], () => ({ jobs: [{ pods: [pod({ spec, status })] }] }));
      expect(decisions.map(({ transition }) => transition)).toEqual([undefined, undefined, undefined]);
      return decisions.map(actions);
    };
    expect(logsOf(waiting("flow", "ContainerCreating"))).toEqual(["", "WARNING", "WARNING"]);
    expect(logsOf(running("flow"))).toEqual(["", "", ""]);
  });

  it.each([
    { name: "gone", gone: true, change: {} },
    { name: "being deleted", gone: false, change: { deletionTimestamp: at(10).toISOString() } },
  ])("sets Cancelled when the pod on a dead node counts as lost, if its Job is $name", ({ gone, change }) => {
    const given = {
      jobs: [
        {
          job: job(change, { spec: { backoffLimit: 2 } }),
          gone,
          pods: [pod({ metadata: { deletionTimestamp: at(60).toISOString() } })],
        },
      ],
      run: known("Cancelling"),
    };
    expect(decisionsAt([61, 89, 90], () => given).map(({ transition }) => transition?.kind)).toEqual([
      undefined,
      undefined,
      "cancelled",
    ]);
  });
});
