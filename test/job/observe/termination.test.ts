import { describe, expect, it } from "vitest";
import { describeTermination, signalOf, terminationProblem } from "../../../src/job/observe/termination.ts";

const SPEC = { name: "flow", image: "flows:1", resources: { limits: { memory: "512Mi" } } };

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

  it("does not speak of signals or memory where the kubelet does not know how the container ended", () => {
    const problem = terminationProblem({ exitCode: 137, reason: "ContainerStatusUnknown" }, SPEC, where);
    expect(`${problem?.message} ${problem?.hint}`).not.toMatch(/SIGKILL|memory|137/);
    expect(problem?.reason).toBe("NodeLost");
  });

  it.each([
    { message: 'exec: "nosuch": executable file not found in $PATH', hint: /command exists/ },
    { message: "container init was OOM-killed (memory limit too low?): unknown", hint: /memory_limit/ },
    { message: 'error mounting "/var/lib/x" to rootfs: no such file or directory', hint: /runtime/ },
    { message: 'exec: "/flow.sh": permission denied: unknown', hint: /may be executed/ },
    { message: "unable to start container process: exec /bin/tini: exec format error", hint: /processor/ },
    {
      message: "error running hook #0: exit status 1, stderr: nvidia-container-cli: driver not loaded",
      hint: /GPU driver/,
    },
    {
      message:
        'runc create failed: unable to start container process: error during container init: failed to write "100000": write /sys/fs/cgroup/cpu.cfs_quota_us: invalid argument',
      hint: /runtime/,
    },
  ])("tells what to do about a container that could not be started: $message", ({ message, hint }) => {
    const terminated = { exitCode: 128, reason: "StartError", message };
    expect(terminationProblem(terminated, SPEC, where)?.hint).toMatch(hint);
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
