import { describe, expect, it } from "vitest";
import {
  describeTermination,
  terminationProblem,
  signalOf,
  startProblem,
  waitingProblem,
} from "../../../src/job/observe/problem.ts";
import { condition, event, pendingPod, pod, waiting } from "../observed-jobs.ts";

const SPEC = { name: "flow", image: "flows:1", resources: { limits: { memory: "512Mi" } } };

describe("waitingProblem", () => {
  it.each([
    ["ErrImagePull", "ImagePull"],
    ["ImagePullBackOff", "ImagePull"],
    ["ErrImageNeverPull", "ImagePull"],
    ["RegistryUnavailable", "ImagePull"],
    ["ImageInspectError", "ImagePull"],
    ["SignatureValidationFailed", "ImagePull"],
    ["InvalidImageName", "InvalidImageName"],
    ["CreateContainerConfigError", "Config"],
    ["CreateContainerError", "CreateContainer"],
    ["RunContainerError", "CreateContainer"],
    ["PostStartHookError", "CreateContainer"],
    ["CrashLoopBackOff", "CrashLoop"],
  ])("reads %s as %s, with the container's name and the kubelet's message", (waitingReason, reason) => {
    const problem = waitingProblem(waiting("flow", waitingReason, "because\n of it"), SPEC, pod());
    expect(problem).toMatchObject({ reason, pod: "pod-a", container: "flow" });
    expect(problem?.message).toContain(
      reason === "CrashLoop" ? "keeps crashing" : `${waitingReason}: because of it`,
    );
  });

  it.each(["ContainerCreating", "PodInitializing", ""])("finds no problem in %j", (reason) => {
    expect(waitingProblem(waiting("flow", reason), SPEC, pod())).toBeUndefined();
  });
});

describe("terminationProblem", () => {
  const where = { pod: "pod-a", container: "flow", init: false };

  it.each([
    { terminated: { exitCode: 1 }, reason: "ExitCode", message: "container 'flow' exited with code 1" },
    {
      terminated: { exitCode: 139 },
      reason: "Signal",
      message: "was killed by signal SIGSEGV (exit code 139)",
    },
    {
      terminated: { exitCode: 255, signal: 15 },
      reason: "Signal",
      message: "was killed by signal SIGTERM (exit code 255)",
    },
    { terminated: { exitCode: 137, reason: "OOMKilled" }, reason: "OOMKilled", message: "limit 512Mi" },
    {
      terminated: { exitCode: 128, reason: "StartError", message: "exec: no\nsuch file" },
      reason: "StartError",
      message: "StartError: exec: no such file",
    },
    {
      terminated: { exitCode: 2, message: "bad\nluck" },
      reason: "ExitCode",
      message: "exited with code 2: bad luck",
    },
  ])("reads $terminated as $reason", ({ terminated, reason, message }) => {
    const problem = terminationProblem(terminated, SPEC, where);
    expect(problem).toMatchObject({ reason });
    expect(problem?.message).toContain(message);
  });

  it("names the init container", () => {
    const problem = terminationProblem({ exitCode: 1 }, SPEC, { ...where, container: "setup", init: true });
    expect(problem).toMatchObject({
      reason: "InitContainer",
      message: "init container 'setup' exited with code 1",
    });
  });

  it("finds no problem in exit code 0", () => {
    expect(terminationProblem({ exitCode: 0 }, SPEC, where)).toBeUndefined();
  });
});

describe("signalOf", () => {
  it.each([
    [{ exitCode: 130 }, "SIGINT"],
    [{ exitCode: 162 }, "34"],
    [{ exitCode: 255 }, undefined],
    [{ exitCode: 1 }, undefined],
  ])("of %j is %s", (end, want) => {
    expect(signalOf(end)).toBe(want);
  });
});

describe("describeTermination", () => {
  it("reports that there was no memory limit", () => {
    expect(describeTermination({ exitCode: 137, reason: "OOMKilled" }, { name: "flow" })).toContain(
      "limit none",
    );
  });
});

describe("startProblem", () => {
  const mount = 'MountVolume.SetUp failed for volume "v" : secret "nope" not found';

  it.each([
    { event: "FailedMount", message: mount, reason: "Config" },
    { event: "FailedMount", message: "references non-existent secret key: k", reason: "Config" },
    { event: "FailedMount", message: "Unable to attach or mount volumes: timed out", reason: "Volume" },
    { event: "FailedAttachVolume", message: "Multi-Attach error", reason: "Volume" },
    { event: "FailedCreatePodSandBox", message: "no network", reason: "CreateContainer" },
    { event: "Scheduled", message: "Successfully assigned", reason: undefined },
  ])("reads $event ($message) as $reason", ({ event: eventReason, message, reason }) => {
    expect(startProblem(pendingPod(), [event("pod-a", [eventReason, message])])?.reason).toBe(reason);
  });

  it.each([
    ["Unschedulable", "cannot be scheduled: 0/1 nodes are available"],
    ["SchedulingGated", "is waiting for its scheduling gates"],
  ])("reads %s from the pod's condition", (reason, message) => {
    const scheduled = {
      ...condition("PodScheduled", reason),
      status: "False",
      message: "0/1 nodes are available",
    };
    const problem = startProblem(pod({ status: { phase: "Pending", conditions: [scheduled] } }), []);
    expect(problem?.reason).toBe("Unschedulable");
    expect(problem?.message).toContain(message);
  });

  it("uses the newest event, in any order", () => {
    const events = [
      event("pod-a", ["FailedAttachVolume", "no", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startProblem(pendingPod(), events)?.reason).toBe("Volume");
  });

  it("ignores a mount that failed before the image was pulled", () => {
    const events = [
      event("pod-a", ["Pulling", "Pulling image", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startProblem(pendingPod(), events)).toBeUndefined();
  });
});
