import { describe, expect, it } from "vitest";
import { disruptionProblem } from "../../../src/job/observe/disruption.ts";
import { podTerminationProblem } from "../../../src/job/observe/pod-termination.ts";
import { at, condition, ended, failedPod, pod, waiting } from "../observed-jobs.ts";

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
    ["VolumeAttachmentLimitExceeded", "Disrupted"],
    ["PodFeatureUnsupported", "Disrupted"],
    ["Preempting", "Disrupted"],
    ["Terminated", "Disrupted"],
    ["NodeShutdown", "Disrupted"],
    ["NodeLost", "NodeLost"],
    // Virtual kubelets
    ["ProviderFailed", "Disrupted"],
    ["NotFound", "NodeLost"],
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

  const lost = { reason: "ContainerStatusUnknown" };

  it.each([
    { name: "the kubelet does not know how it ended", end: ended("flow", 137, lost) },
    { name: "containerd does not know how it ended", end: ended("flow", 255, { reason: "Unknown" }) },
  ])("counts a flow of which $name", ({ end }) => {
    const problem = disruptionProblem(pod({ status: { phase: "Failed", containerStatuses: [end] } }));
    expect(problem?.reason).toBe("NodeLost");
  });

  it("counts an init container that was lost with its node", () => {
    const init = ended("init", 255, { reason: "Unknown" });
    const flow = waiting("flow", "PodInitializing");
    const status = { phase: "Failed", initContainerStatuses: [init], containerStatuses: [flow] };
    expect(disruptionProblem(pod({ status }))).toMatchObject({ reason: "NodeLost", container: "init" });
  });

  it.each([
    { name: "its own deadline", change: { status: { reason: "DeadlineExceeded", message: "too long" } } },
    { name: "its deletion", change: { metadata: { deletionTimestamp: at(50).toISOString() } } },
  ])("does not count a pod that the kubelet stopped before it started, for $name", ({ change }) => {
    const status = { phase: "Failed", containerStatuses: [ended("flow", 137, lost)], ...change.status };
    expect(disruptionProblem(pod({ ...change, status }))).toBeUndefined();
  });

  it("does not count an exit code of 255 of the flow itself", () => {
    expect(disruptionProblem(failedPod(255, { reason: "Error" }))).toBeUndefined();
  });

  it("does not count a sidecar", () => {
    const side = ended("side", 137, { reason: "ContainerStatusUnknown" });
    expect(
      disruptionProblem(pod({ status: { containerStatuses: [ended("flow", 1), side] } })),
    ).toBeUndefined();
  });

  it("finds none in a flow that failed", () => {
    expect(disruptionProblem(failedPod(137))).toBeUndefined();
  });
});
