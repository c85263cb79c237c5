import { describe, expect, it } from "vitest";
import { postMortem } from "../../../src/job/observe/post-mortem.ts";
import { ended, failedPod, pod, observedJob, running, waiting } from "../observed-jobs.ts";

const PROBLEM = {
  reason: "ExitCode",
  message: "container 'flow' exited with code 1",
  hint: "see the log",
} as const;

describe("postMortem", () => {
  it("contains Job, hint, pod, node and the state of each container", () => {
    const init = { name: "setup", resources: { requests: { memory: "64Mi" } } };
    const spec = {
      restartPolicy: "Never",
      nodeName: "node-1",
      containers: [{ name: "flow" }],
      initContainers: [init],
    };
    const status = {
      phase: "Failed",
      initContainerStatuses: [ended("setup", 0, { reason: "Completed" })],
      containerStatuses: [ended("flow", 139)],
    };
    expect(postMortem(observedJob({ pods: [pod({ spec, status })] }), PROBLEM)).toBe(
      [
        "Job prefect-job-a: container 'flow' exited with code 1",
        "\tHint: see the log",
        "Pod pod-a (Failed, node node-1)",
        "\tInit container 'setup' completed (Completed)",
        "\t\tMemory: requested 64Mi, limit none",
        "\tContainer 'flow' was killed by signal SIGSEGV (exit code 139)",
      ].join("\n"),
    );
  });

  it.each([
    {
      status: waiting("flow", "ErrImagePull", "no\n such image"),
      line: "Container 'flow' is waiting (ErrImagePull: no such image)",
    },
    { status: running("flow", { restartCount: 2 }), line: "Container 'flow' is running, restarted 2 times" },
    { status: { name: "flow" }, line: "Container 'flow' has no state" },
  ])("contains: $line", ({ status, line }) => {
    const observed = observedJob({
      pods: [pod({ status: { phase: "Pending", containerStatuses: [status] } })],
    });
    expect(postMortem(observed, PROBLEM)).toContain(`\n\t${line}`);
  });

  it("contains deleted pods with the reason in their status", () => {
    const deleted = {
      ...failedPod(),
      status: { phase: "Failed", reason: "Evicted", message: "low on\nmemory" },
    };
    expect(postMortem(observedJob({ pods: [], deletedPods: [deleted] }), PROBLEM)).toContain(
      "Pod pod-a (deleted, node node-1)\n\tEvicted: low on memory",
    );
  });
});
