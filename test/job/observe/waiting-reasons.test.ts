import { describe, expect, it } from "vitest";
import { waitingProblem } from "../../../src/job/observe/waiting-reasons.ts";
import { at, event, pod, waiting } from "../observed-jobs.ts";

const POD = pod({ spec: { containers: [{ name: "flow", image: "flows:1" }] } });

function problemOf(reason: string, message = "", cause?: string): ReturnType<typeof waitingProblem> {
  const failed = event("pod-a", ["Failed", `Failed to pull image "flows:1": ${cause}`]);
  return waitingProblem(POD, waiting("flow", reason, message), cause === undefined ? [] : [failed]);
}

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
    ["CreatePodSandboxError", "CreateContainer"],
  ])("reads %s as %s, with the container's name and the kubelet's message", (reason, want) => {
    const problem = problemOf(reason, "because\n of it");
    expect(problem).toMatchObject({ reason: want, pod: "pod-a", container: "flow" });
    expect(problem?.message).toContain(`(${reason}: because of it)`);
  });

  it.each(["ContainerCreating", "PodInitializing", ""])("finds no problem in %j", (reason) => {
    expect(problemOf(reason)).toBeUndefined();
  });

  it.each([
    ["InvalidImageName", "couldn't parse image name", "none"],
    ["ErrImageNeverPull", 'Container image "flows:1" is not present with pull policy of Never', "start"],
    ["CreateContainerConfigError", 'secret "none" not found', "start"],
    ["CreateContainerConfigError", "couldn't find key k in ConfigMap flows/settings", "start"],
    [
      "CreateContainerConfigError",
      "failed to sync secret cache: timed out waiting for the condition",
      "passing",
    ],
    [
      "CreateContainerConfigError",
      "services have not yet been read at least once, cannot construct envvars",
      "passing",
    ],
    [
      "CreateContainerError",
      'failed to stat "/srv/none": stat /srv/none: no such file or directory',
      "start",
    ],
    [
      "CreateContainerError",
      'failed to reserve container name "flow_a": name "flow_a" is reserved for "77a1"',
      "passing",
    ],
    [
      "CreateContainerError",
      'the container name "k8s_flow_x" is already in use by abc. You have to remove that container to be able to reuse that name: that name is already in use',
      "passing",
    ],
    ["CreateContainerError", "context deadline exceeded", "passing"],
    [
      "CreateContainerError",
      "rpc error: code = Unavailable desc = error reading from server: EOF",
      "passing",
    ],
    ["RunContainerError", "failed to create containerd task: ttrpc: closed: unknown", "passing"],
    [
      "CreateContainerError",
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
      "passing",
    ],
    [
      "CreateContainerError",
      "dial unix /run/containerd/containerd.sock: connect: no such file or directory",
      "passing",
    ],
    [
      "RunContainerError",
      "rpc error: code = Unavailable desc = connection error: transport is closing",
      "passing",
    ],
    [
      "CreateContainerConfigError",
      'Get "https://10.96.0.1:443/api/v1/namespaces/flows/secrets/key": dial tcp 10.96.0.1:443: i/o timeout',
      "passing",
    ],
    ["CreateContainerConfigError", 'object "flows"/"key" not registered', "passing"],
    [
      "CreateContainerConfigError",
      'secrets "key" is forbidden: User "system:node:a" cannot get resource "secrets" in API group "": no relationship found between node \'a\' and this object',
      "passing",
    ],
    [
      "CreateContainerError",
      'failed to get image from containerd "sha256:4d": image "sha256:4d": not found',
      "passing",
    ],
    [
      "CreateContainerError",
      "failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=0",
      "passing",
    ],
    ["CreateContainerError", "failed to apply OCI options: unable to find user prefect", "start"],
    ["CrashLoopBackOff", "back-off 10s restarting failed container", "start"],
  ])("waits for %s (%s) as for what is: %s", (reason, message, patience) => {
    expect(problemOf(reason, message)?.patience).toBe(patience);
  });

  it("names what it does not know, and does not fail the run for it", () => {
    expect(problemOf("Blocked", "by something new")).toMatchObject({
      reason: "NotStarted",
      patience: "pending",
      message: "container 'flow' is waiting (Blocked: by something new)",
    });
    expect(problemOf("Not yet there", "by something new")?.patience).toBe("pending");
  });

  it("reads an error that is the reason itself as one of the pull, as of a Secret that is no base64", () => {
    const error = "illegal base64 data at input byte 4";
    expect(problemOf(error, error)).toMatchObject({
      reason: "ImagePull",
      patience: "passing",
      message: `image "flows:1" of container 'flow' cannot be pulled (${error})`,
    });
  });

  it("takes the cause of a pull from the pod's events where the container's status has none", () => {
    const problem = problemOf("ImagePullBackOff", 'Back-off pulling image "flows:1"', "pull QPS exceeded");
    expect(problem).toMatchObject({ patience: "passing" });
    expect(problem?.message).toContain("pull QPS exceeded");
    expect(problemOf("ImagePullBackOff", 'Back-off pulling image "flows:1"')?.patience).toBeUndefined();
  });

  it("knows since when an image is pulled once more, and of no problem once it is there", () => {
    const status = waiting("flow", "ImagePullBackOff", "not found");
    const failed = event("pod-a", ["Failed", 'Failed to pull image "flows:1": not found', 2]);
    const again = event("pod-a", ["Pulling", 'Pulling image "flows:1"', 12]);
    const pulled = event("pod-a", ["Pulled", 'Successfully pulled image "flows:1"', 20]);
    expect(waitingProblem(POD, status, [failed])).not.toHaveProperty("retriedSince");
    expect(waitingProblem(POD, status, [failed, again])).toMatchObject({ retriedSince: at(12) });
    expect(waitingProblem(POD, status, [failed, again, pulled])).toBeUndefined();
  });

  it("tells how often a container has crashed, and how it last did", () => {
    const lastState = { terminated: { exitCode: 3 } };
    const status = { ...waiting("flow", "CrashLoopBackOff"), restartCount: 4, lastState };
    expect(waitingProblem(POD, status, [])?.message).toBe(
      "container 'flow' keeps crashing (restarted 4 times, last: exited with code 3)",
    );
  });
});
