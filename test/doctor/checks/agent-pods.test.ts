import { describe, expect, it } from "vitest";
import { podFindings, podlessFinding, unreadFinding } from "../../../src/doctor/checks/agent-pods.ts";
import type { ContainerStatus } from "../../../src/kube/client/objects.ts";
import { SettingsError } from "../../../src/base/errors.ts";
import { installed, lines, NOW, secondsAgo } from "../samples.ts";

const PROD = installed("prod", ["k8s"]);

function found(status: Partial<ContainerStatus>, others = [] as (typeof PROD)[], now = NOW) {
  return podFindings([installed("prod", ["k8s"], status), ...others], now);
}

const failed = (exitCode: number) => ({ terminated: { exitCode } });
const runningSince = (seconds: number) => ({ running: { startedAt: secondsAgo(seconds).toISOString() } });

describe("the agent's own pods", () => {
  it("are ok when they are ready, and show what the agent is", () => {
    expect(lines(podFindings([PROD], NOW))).toEqual([
      `ok agent's pods: prod-pod (5m old) runs "prod" with label k8s as ServiceAccount prefect-agent`,
    ]);
  });

  it.each([
    {
      name: "waits to be restarted",
      status: { restartCount: 3, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: failed(4) },
      want: "container 'agent' exited with code 4, restarted 3 times",
      look: "kubectl logs prod-pod -c agent --previous -n flows",
    },
    {
      name: "has just been restarted for the first time, and is ready",
      status: { ready: true, restartCount: 1, state: runningSince(5), lastState: failed(137) },
      want: "container 'agent' was killed by signal SIGKILL (exit code 137), restarted 1 time",
      look: "kubectl logs prod-pod -c agent --previous -n flows",
    },
    {
      name: "has just crashed for the first time",
      status: { state: failed(2) },
      want: "container 'agent' exited with code 2, restarted 0 times",
      look: "kubectl logs prod-pod -c agent -n flows",
    },
  ])("are broken when a container $name", ({ status, want, look }) => {
    const [finding, ...rest] = found(status);
    expect(finding).toMatchObject({ status: "broken", message: `prod-pod is crashing: ${want}`, look });
    expect(rest).toEqual([]);
  });

  it("are ok again ten minutes after a restart, as for the kubelet", () => {
    const status = { ready: true, restartCount: 1, state: runningSince(601), lastState: failed(4) };
    expect(found(status)[0]?.status).toBe("ok");
  });

  it("are broken when they are not ready after a minute, unless another pod of the agent is", () => {
    const status = { state: { waiting: { reason: "ImagePullBackOff" } } };
    expect(lines(found(status))).toEqual([
      "broken agent's pods: prod-pod (5m old) is not ready: ImagePullBackOff",
    ]);
    expect(found(status)[0]?.look).toBe("kubectl describe pod prod-pod -n flows");
    expect(found(status, [PROD])[0]?.status).toBe("warning");
    expect(found(status, [installed("other", [])])[0]?.status).toBe("broken");
    expect(found(status, [], secondsAgo(270))[0]?.message).toContain("is starting");
  });

  it.each([
    { name: "crashes", status: { state: failed(2) }, want: "broken", message: "prod-pod is crashing: " },
    { name: "is not ready", status: {}, want: "broken", message: "prod-pod: cannot read NAME" },
    { name: "is ready", status: { ready: true }, want: "warning", message: "prod-pod: cannot read NAME" },
  ])("say which setting cannot be read when the pod $name", ({ status, want, message }) => {
    const error = new SettingsError("cannot read NAME", { hint: "correct it" });
    const finding = unreadFinding(installed("prod", [], status).pod, error, NOW);
    expect(finding).toMatchObject({ status: want, hint: "correct it" });
    expect(finding.message).toContain(message);
    expect([finding.message, ...(finding.details ?? [])].join()).toContain("cannot read NAME");
  });
});

describe("a Deployment of an agent without a pod", () => {
  const deployment = (spec: object, conditions: readonly object[] = []) =>
    podlessFinding({
      metadata: { name: "prefect-agent", namespace: "flows" },
      spec,
      status: { conditions },
    } as never);

  it("is broken, and tells why its pod is refused", () => {
    const message = 'pods "prefect-agent-1" is forbidden: exceeded quota: few';
    expect(deployment({ replicas: 1 }, [{ type: "ReplicaFailure", status: "True", message }])).toMatchObject({
      status: "broken",
      message: `Deployment "prefect-agent" can create no pod: ${message}`,
      look: "kubectl describe deployment prefect-agent -n flows",
    });
  });

  it("is a warning where somebody scaled it to 0, with the command that starts it", () => {
    expect(deployment({ replicas: 0 })).toMatchObject({
      status: "warning",
      fix: ["kubectl scale deployment/prefect-agent --replicas=1 -n flows"],
    });
  });
});
