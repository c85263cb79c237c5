import { describe, expect, it } from "vitest";
import { postMortem } from "../../../src/job/observe/post-mortem.ts";
import { ended, failedPod, pod, print, running, waiting } from "../observed-jobs.ts";

const TROUBLE = {
  reason: "ExitCode",
  message: "container 'flow' exited with code 1",
  hint: "read on",
} as const;

describe("postMortem", () => {
  it("tells Job, hint, pod, node and how each container stands", () => {
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
    expect(postMortem(print({ pods: [pod({ spec, status })] }), TROUBLE)).toBe(
      [
        "Job prefect-job-a: container 'flow' exited with code 1",
        "\tHint: read on",
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
      line: "Container 'flow' waits (ErrImagePull: no such image)",
    },
    { status: running("flow", { restartCount: 2 }), line: "Container 'flow' is running, restarted 2 times" },
    { status: { name: "flow" }, line: "Container 'flow' has no state" },
  ])("says: $line", ({ status, line }) => {
    const print1 = print({ pods: [pod({ status: { phase: "Pending", containerStatuses: [status] } })] });
    expect(postMortem(print1, TROUBLE)).toContain(`\n\t${line}`);
  });

  it("tells of pods that are gone, and their own reason", () => {
    const gone = {
      ...failedPod(),
      status: { phase: "Failed", reason: "Evicted", message: "low on\nmemory" },
    };
    expect(postMortem(print({ pods: [], deletedPods: [gone] }), TROUBLE)).toContain(
      "Pod pod-a (deleted, node node-1)\n\tEvicted: low on memory",
    );
  });
});
