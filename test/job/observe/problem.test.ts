import { describe, expect, it } from "vitest";
import {
  describeEnd,
  endProblem,
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
  ])("calls %s %s, and names the container and the server's words", (waits, reason) => {
    const problem = waitingProblem(waiting("flow", waits, "because\n of it"), SPEC, pod());
    expect(problem).toMatchObject({ reason, pod: "pod-a", container: "flow" });
    expect(problem?.message).toContain(reason === "CrashLoop" ? "keeps crashing" : `${waits}: because of it`);
  });

  it.each(["ContainerCreating", "PodInitializing", ""])("sees nothing wrong in %j", (reason) => {
    expect(waitingProblem(waiting("flow", reason), SPEC, pod())).toBeUndefined();
  });
});

describe("endProblem", () => {
  const where = { pod: "pod-a", container: "flow", init: false };

  it.each([
    { end: { exitCode: 1 }, reason: "ExitCode", words: "container 'flow' exited with code 1" },
    { end: { exitCode: 139 }, reason: "Signal", words: "was killed by signal SIGSEGV (exit code 139)" },
    {
      end: { exitCode: 255, signal: 15 },
      reason: "Signal",
      words: "was killed by signal SIGTERM (exit code 255)",
    },
    { end: { exitCode: 137, reason: "OOMKilled" }, reason: "OOMKilled", words: "limit 512Mi" },
    {
      end: { exitCode: 128, reason: "StartError", message: "exec: no\nsuch file" },
      reason: "StartError",
      words: "StartError: exec: no such file",
    },
    { end: { exitCode: 2, message: "bad\nluck" }, reason: "ExitCode", words: "exited with code 2: bad luck" },
  ])("reads $end as $code", ({ end, reason, words }) => {
    const problem = endProblem(end, SPEC, where);
    expect(problem).toMatchObject({ reason });
    expect(problem?.message).toContain(words);
  });

  it("names the init container", () => {
    const problem = endProblem({ exitCode: 1 }, SPEC, { ...where, container: "setup", init: true });
    expect(problem).toMatchObject({
      reason: "InitContainer",
      message: "init container 'setup' exited with code 1",
    });
  });

  it("finds nothing in exit code 0", () => {
    expect(endProblem({ exitCode: 0 }, SPEC, where)).toBeUndefined();
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

describe("describeEnd", () => {
  it("says that there was no limit", () => {
    expect(describeEnd({ exitCode: 137, reason: "OOMKilled" }, { name: "flow" })).toContain("limit none");
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
  ])("reads $event ($message) as $reason", ({ event: seen, message, reason }) => {
    expect(startProblem(pendingPod(), [event("pod-a", [seen, message])])?.reason).toBe(reason);
  });

  it.each([
    ["Unschedulable", "cannot be scheduled: 0/1 nodes are available"],
    ["SchedulingGated", "waits for its scheduling gates"],
  ])("reads %s from the pod's condition", (reason, words) => {
    const scheduled = {
      ...condition("PodScheduled", reason),
      status: "False",
      message: "0/1 nodes are available",
    };
    const problem = startProblem(pod({ status: { phase: "Pending", conditions: [scheduled] } }), []);
    expect(problem?.reason).toBe("Unschedulable");
    expect(problem?.message).toContain(words);
  });

  it("takes the newest event, in whatever order they came", () => {
    const events = [
      event("pod-a", ["FailedAttachVolume", "no", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startProblem(pendingPod(), events)?.reason).toBe("Volume");
  });

  it("forgets a mount that failed before the image was pulled", () => {
    const events = [
      event("pod-a", ["Pulling", "Pulling image", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startProblem(pendingPod(), events)).toBeUndefined();
  });
});
