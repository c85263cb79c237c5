import { describe, expect, it } from "vitest";
import { disruptionProblem } from "../../../src/job/observe/disruption.ts";
import { podTerminationProblem } from "../../../src/job/observe/pod-termination.ts";
import { condition, ended, failedPod, pod } from "../observed-jobs.ts";

describe("disruptionProblem", () => {
  it.each([
    ["Evicted", "Evicted"],
    ["OutOfcpu", "Disrupted"],
    ["OutOfephemeral-storage", "Disrupted"],
    ["OutOfnvidia.com/gpu", "Disrupted"],
    ["NodeAffinity", "Disrupted"],
    ["NodePorts", "Disrupted"],
    ["TopologyAffinityError", "Disrupted"],
    ["UnexpectedAdmissionError", "Disrupted"],
    ["Preempting", "Disrupted"],
    ["Terminated", "Disrupted"],
    ["NodeShutdown", "Disrupted"],
    ["NodeLost", "NodeLost"],
  ])("reads the pod's reason %s as %s", (reason, want) => {
    const problem = disruptionProblem(pod({ status: { phase: "Failed", reason, message: "as it is" } }));
    expect(problem?.reason).toBe(want);
    expect(problem?.message).toContain(`${reason}: as it is`);
  });

  it.each([
    "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
    'Container flow exceeded its local ephemeral storage limit "1Gi". ',
    'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ',
  ])("does not take an eviction for its own limit for one: %s", (message) => {
    // As the kubelet shows it (kubernetes/kubernetes#122160).
    const containerStatuses = [ended("flow", 137, { reason: "ContainerStatusUnknown" })];
    const evicted = pod({ status: { phase: "Failed", reason: "Evicted", message, containerStatuses } });
    expect(disruptionProblem(evicted)).toBeUndefined();
    const problem = podTerminationProblem(evicted);
    expect(problem).toMatchObject({
      reason: "Evicted",
      hint: expect.stringMatching(/ephemeral-storage/) as unknown,
    });
    expect(problem?.message).toContain(message.trim());
  });

  it.each(["SysctlForbidden", "AppArmor", "DeadlineExceeded"])(
    "does not take %s for one: it is the run's fault",
    (reason) => {
      expect(disruptionProblem(pod({ status: { phase: "Failed", reason } }))).toBeUndefined();
    },
  );

  it.each([
    ["PreemptionByScheduler", "Disrupted", "preempted"],
    ["EvictionByEvictionAPI", "Disrupted", "drained"],
    ["DeletionByTaintManager", "NodeLost", "lost with its node"],
    ["DeletionByPodGC", "NodeLost", "lost with its node"],
    ["TerminationByKubelet", "Evicted", "evicted"],
    ["SomethingNew", "Disrupted", "SomethingNew"],
  ])("reads the condition %s as %s", (reason, want, words) => {
    const problem = disruptionProblem(
      pod({ status: { conditions: [condition("DisruptionTarget", reason)] } }),
    );
    expect(problem?.reason).toBe(want);
    expect(problem?.message).toContain(words);
  });

  it("counts a flow of which the kubelet does not know how it ended, but not a sidecar", () => {
    expect(disruptionProblem(failedPod(137, { reason: "ContainerStatusUnknown" }))?.reason).toBe("NodeLost");
    const side = ended("side", 137, { reason: "ContainerStatusUnknown" });
    expect(
      disruptionProblem(pod({ status: { containerStatuses: [ended("flow", 1), side] } })),
    ).toBeUndefined();
  });

  it("finds none in a flow that failed", () => {
    expect(disruptionProblem(failedPod(137))).toBeUndefined();
  });
});
