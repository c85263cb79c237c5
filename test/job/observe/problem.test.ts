import { describe, expect, it } from "vitest";
import {
  describeEnd,
  endTrouble,
  signalOf,
  startTrouble,
  waitingTrouble,
} from "../../../src/job/observe/problem.ts";
import { condition, event, pendingPod, pod, waiting } from "../observed-jobs.ts";

const SPEC = { name: "flow", image: "flows:1", resources: { limits: { memory: "512Mi" } } };

describe("waitingTrouble", () => {
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
  ])("calls %s %s, and names the container and the server's words", (reason, code) => {
    const trouble = waitingTrouble(waiting("flow", reason, "because\n of it"), SPEC, pod());
    expect(trouble).toMatchObject({ code, pod: "pod-a", container: "flow" });
    expect(trouble?.summary).toContain(code === "CrashLoop" ? "keeps crashing" : `${reason}: because of it`);
  });

  it.each(["ContainerCreating", "PodInitializing", ""])("sees nothing wrong in %j", (reason) => {
    expect(waitingTrouble(waiting("flow", reason), SPEC, pod())).toBeUndefined();
  });
});

describe("endTrouble", () => {
  const where = { pod: "pod-a", container: "flow", init: false };

  it.each([
    { end: { exitCode: 1 }, code: "ExitCode", words: "container 'flow' exited with code 1" },
    { end: { exitCode: 139 }, code: "Signal", words: "was killed by signal SIGSEGV (exit code 139)" },
    {
      end: { exitCode: 255, signal: 15 },
      code: "Signal",
      words: "was killed by signal SIGTERM (exit code 255)",
    },
    { end: { exitCode: 137, reason: "OOMKilled" }, code: "OOMKilled", words: "limit 512Mi" },
    {
      end: { exitCode: 128, reason: "StartError", message: "exec: no\nsuch file" },
      code: "StartError",
      words: "StartError: exec: no such file",
    },
    { end: { exitCode: 2, message: "bad\nluck" }, code: "ExitCode", words: "exited with code 2: bad luck" },
  ])("reads $end as $code", ({ end, code, words }) => {
    const trouble = endTrouble(end, SPEC, where);
    expect(trouble).toMatchObject({ code });
    expect(trouble?.summary).toContain(words);
  });

  it("names the init container", () => {
    const trouble = endTrouble({ exitCode: 1 }, SPEC, { ...where, container: "setup", init: true });
    expect(trouble).toMatchObject({
      code: "InitContainer",
      summary: "init container 'setup' exited with code 1",
    });
  });

  it("finds nothing in exit code 0", () => {
    expect(endTrouble({ exitCode: 0 }, SPEC, where)).toBeUndefined();
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

describe("startTrouble", () => {
  const mount = 'MountVolume.SetUp failed for volume "v" : secret "nope" not found';

  it.each([
    { reason: "FailedMount", message: mount, code: "Config" },
    { reason: "FailedMount", message: "references non-existent secret key: k", code: "Config" },
    { reason: "FailedMount", message: "Unable to attach or mount volumes: timed out", code: "Volume" },
    { reason: "FailedAttachVolume", message: "Multi-Attach error", code: "Volume" },
    { reason: "FailedCreatePodSandBox", message: "no network", code: "CreateContainer" },
    { reason: "Scheduled", message: "Successfully assigned", code: undefined },
  ])("reads $reason ($message) as $code", ({ reason, message, code }) => {
    expect(startTrouble(pendingPod(), [event("pod-a", [reason, message])])?.code).toBe(code);
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
    const trouble = startTrouble(pod({ status: { phase: "Pending", conditions: [scheduled] } }), []);
    expect(trouble?.code).toBe("Unschedulable");
    expect(trouble?.summary).toContain(words);
  });

  it("takes the newest event, in whatever order they came", () => {
    const events = [
      event("pod-a", ["FailedAttachVolume", "no", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startTrouble(pendingPod(), events)?.code).toBe("Volume");
  });

  it("forgets a mount that failed before the image was pulled", () => {
    const events = [
      event("pod-a", ["Pulling", "Pulling image", 30]),
      event("pod-a", ["FailedMount", mount, 20]),
    ];
    expect(startTrouble(pendingPod(), events)).toBeUndefined();
  });
});
