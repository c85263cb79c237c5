import { describe, expect, it } from "vitest";
import { eventObstacle, podObstacle } from "../../../src/job/observe/pod-obstacles.ts";
import type { Condition, Pod } from "../../../src/kube/client/objects.ts";
import { condition, event, pendingPod, pod, waiting } from "../observed-jobs.ts";

const MOUNT = 'MountVolume.SetUp failed for volume "v" : secret "nope" not found';
const creating = pendingPod(waiting("flow", "ContainerCreating"));

function unbound(conditions: NonNullable<Pod["status"]["conditions"]>, schedulerName = "nobody"): Pod {
  const { nodeName: _, ...spec } = pod().spec;
  return { ...pendingPod(), spec: { ...spec, schedulerName }, status: { phase: "Pending", conditions } };
}

describe("eventObstacle", () => {
  it.each([
    { message: 'pods "a-" is forbidden: violates PodSecurity "restricted:latest"', want: "none Admission" },
    { message: 'pods "a-" is forbidden: not yet ready to handle request', want: "passing NoPod" },
    {
      message:
        'pods "a-" is forbidden: securitycontextconstraints.security.openshift.io cache is not synchronized',
      want: "passing NoPod",
    },
    {
      message:
        'pods "a-" is forbidden: Post "https://image-policy.svc:443/check": dial tcp 10.96.3.7:443: connect: connection refused',
      want: "passing NoPod",
    },
    { message: 'pods "a-" is forbidden: exceeded quota: few', want: "pending Quota" },
    {
      message:
        'pods "a-" is forbidden: unable to create new content in namespace x because it is being terminated',
      want: "passing NoPod",
    },
    // The API server's own plugins put "is forbidden" before what they could not read, too.
    { message: 'pods "a-" is forbidden: etcdserver: request timed out', want: "passing NoPod" },
    {
      message:
        'pods "a-" is forbidden: Get "https://[::1]:6443/api/v1/namespaces/flows/limitranges": context deadline exceeded',
      want: "passing NoPod",
    },
    {
      message:
        'pods "a-" is forbidden: unable to create pods at this time because there was an error enforcing limit ranges',
      want: "passing NoPod",
    },
    {
      message:
        'pods "a-" is forbidden: error looking up service account flows/default: etcdserver: leader changed',
      want: "passing NoPod",
    },
    {
      message:
        'pods "a-" is forbidden: error looking up service account flows/nope: serviceaccount "nope" not found',
      want: "start ServiceAccount",
    },
    {
      message: 'pods "a-" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
      want: "none Admission",
    },
  ])("reads that no pod is created ($message) as $want", ({ message, want }) => {
    const found = eventObstacle([event("job-a", ["FailedCreate", `Error creating: ${message}`])]);
    expect(found && `${found.patience} ${found.reason}`).toBe(want);
  });
});

describe("podObstacle", () => {
  it.each([
    { reason: "FailedMount", message: MOUNT, want: "start Config" },
    { reason: "FailedMount", message: "references non-existent secret key: k", want: "start Config" },
    {
      reason: "FailedMount",
      message: "Unable to attach or mount volumes: timed out",
      want: "pending Volume",
    },
    { reason: "FailedAttachVolume", message: "Multi-Attach error", want: "pending Volume" },
    { reason: "FailedMapVolume", message: "no device", want: "pending Volume" },
    { reason: "FailedCreatePodSandBox", message: "failed to assign an IP address", want: "passing Sandbox" },
    { reason: "NetworkNotReady", message: "cni plugin not initialized", want: "passing Sandbox" },
    { reason: "Scheduled", message: "Successfully assigned", want: undefined },
  ])("reads $reason ($message) as $want", ({ reason, message, want }) => {
    const found = podObstacle(creating, [event("pod-a", [reason, message])]);
    expect(found && `${found.patience} ${found.reason}`).toBe(want);
  });

  it.each([
    ["Unschedulable", "cannot be scheduled: 0/1 nodes are available"],
    ["SchedulerError", "cannot be scheduled: 0/1 nodes are available"],
    ["SchedulingGated", "is waiting for its scheduling gates"],
  ])("reads %s from the pod's condition", (reason, message) => {
    const scheduled = {
      ...condition("PodScheduled", reason),
      status: "False",
      message: "0/1 nodes are available",
    };
    const problem = podObstacle(unbound([scheduled]), []);
    expect(problem).toMatchObject({ reason: "Unschedulable", patience: "pending" });
    expect(problem?.message).toContain(message);
  });

  it("takes the words of a scheduler that sets no condition from its events", () => {
    const told = "Misconfigured Fargate Profile: fargate profile flows blocked for new launches";
    const events = [
      event("pod-a", ["FailedScheduling", "Pod provisioning timed out (will retry)", 10]),
      event("pod-a", ["FailedScheduling", told, 20]),
      event("pod-a", ["LoggingEnabled", "Successfully enabled logging for pod", 21]),
    ];
    expect(podObstacle(unbound([], "fargate-scheduler"), events)).toMatchObject({
      reason: "Unschedulable",
      patience: "pending",
      message: `pod 'pod-a' cannot be scheduled: ${told}`,
    });
  });

  it("names why a node holds a pod back that is pending", () => {
    const status = { ...creating.status, reason: "AppArmor", message: "Cannot enforce AppArmor" };
    expect(podObstacle({ ...creating, status }, [])).toMatchObject({
      patience: "pending",
      message: "pod 'pod-a' is not started by its node: AppArmor: Cannot enforce AppArmor",
    });
  });

  it("names the scheduler that has not looked at the pod", () => {
    expect(podObstacle(unbound([]), [])).toMatchObject({
      patience: "pending",
      message: expect.stringContaining("'nobody'") as unknown,
    });
  });

  it("names the node that reports nothing of a pod", () => {
    const silent = { ...pendingPod(), status: { phase: "Pending" } };
    const scheduled = event("pod-a", ["Scheduled", "Successfully assigned"]);
    expect(podObstacle(silent, [scheduled])).toMatchObject({
      reason: "Node",
      patience: "pending",
      message: expect.stringContaining("node-1") as unknown,
    });
    expect(podObstacle(silent, [scheduled, event("pod-a", ["Pulling", "Pulling image"])])).toBeUndefined();
  });

  it("names it, too, if only schedulers and autoscalers have written of the pod, before it was bound", () => {
    const scheduledAt = (seconds: number): Condition => condition("PodScheduled", undefined, seconds);
    const before = [
      event("pod-a", ["FailedScheduling", "0/3 nodes are available", 10]),
      event("pod-a", ["TriggeredScaleUp", "pod triggered scale-up", 11]),
    ];
    const bound = (seconds: number): Pod => ({
      ...pendingPod(),
      status: { phase: "Pending", conditions: [scheduledAt(seconds)] },
    });
    const scheduled = event("pod-a", ["Scheduled", "Successfully assigned", 70.4]);
    expect(podObstacle(bound(70), [...before, scheduled])?.reason).toBe("Node");
    expect(podObstacle(bound(70), before)?.reason).toBe("Node");
    const pulling = event("pod-a", ["Pulling", "Pulling image", 70]);
    expect(podObstacle(bound(70), [...before, scheduled, pulling])).toBeUndefined();
  });

  it("uses the newest event, in any order", () => {
    const events = [
      event("pod-a", ["FailedAttachVolume", "no", 30]),
      event("pod-a", ["FailedMount", MOUNT, 20]),
    ];
    expect(podObstacle(creating, events)?.reason).toBe("Volume");
  });

  it.each([
    { failed: "FailedMount", over: "SuccessfulMountVolume", want: undefined },
    { failed: "FailedMount", over: "Pulling", want: undefined },
    { failed: "FailedCreatePodSandBox", over: "Pulled", want: undefined },
    { failed: "FailedCreatePodSandBox", over: "SuccessfulMountVolume", want: "Sandbox" },
    { failed: "FailedCreatePodSandBox", over: "Scheduled", want: "Sandbox" },
  ])(
    "counts $failed before $over as $want: an event ends only what lies before it",
    ({ failed, over, want }) => {
      const events = [event("pod-a", [over, "", 30]), event("pod-a", [failed, MOUNT, 20])];
      expect(podObstacle(creating, events)?.reason).toBe(want);
    },
  );
});
