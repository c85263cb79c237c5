import { describe, expect, it } from "vitest";
import { agentPodFindings } from "../../../src/doctor/checks/agent-pods.ts";
import type { ContainerStatus, Pod } from "../../../src/kube/client/objects.ts";
import { pod, T0 } from "../../job/observed-jobs.ts";
import { lines } from "../samples.ts";

/** Five minutes after the pods were made. */
const CONTEXT = { namespace: "flows", isExpected: false, now: new Date(T0.getTime() + 300_000) };

function agentPod(name: string, status: Partial<ContainerStatus>, phase = "Running"): Pod {
  const containerStatuses = [{ name: "agent", ready: false, restartCount: 0, ...status }];
  return pod({
    metadata: { name, uid: name },
    spec: { serviceAccountName: "prefect-agent", containers: [{ name: "agent" }] },
    status: { phase, containerStatuses },
  });
}

const READY = agentPod("agent-1", { ready: true, state: { running: {} } });
const CRASHED = agentPod("agent-2", {
  restartCount: 7,
  state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s" } },
});

function found(value: readonly Pod[], change: Partial<typeof CONTEXT> = {}): string[] {
  return lines(agentPodFindings({ ok: true, value }, { ...CONTEXT, ...change }));
}

describe("the agent's own pods", () => {
  it.each([
    { name: "need not exist", pods: [], want: [] },
    {
      name: "are shown with their ServiceAccount",
      pods: [READY],
      want: ["ok agent's pods: 1 pod ready: agent-1 (5m old); as ServiceAccount prefect-agent"],
    },
    {
      name: "that crash are broken",
      pods: [CRASHED],
      want: ["broken agent's pods: agent-2 (5m old, restarted 7 times): CrashLoopBackOff (back-off 5m0s)"],
    },
    {
      name: "that crash are a warning if another one is ready",
      pods: [READY, CRASHED],
      want: [
        "ok agent's pods: 1 pod ready: agent-1 (5m old); as ServiceAccount prefect-agent",
        "warning agent's pods: agent-2 (5m old, restarted 7 times): CrashLoopBackOff (back-off 5m0s)",
      ],
    },
  ])("$name", ({ pods, want }) => {
    expect(found(pods)).toEqual(want);
  });

  it("are missing if the user names their ServiceAccount", () => {
    expect(found([], { isExpected: true })).toEqual([
      'warning agent\'s pods: no agent pod in namespace "flows" (app=prefect-agent)',
    ]);
  });

  it("have a grace period to start", () => {
    const now = new Date(T0.getTime() + 5_000);
    expect(found([agentPod("agent-1", {}, "Pending")], { now })).toEqual(["ok agent's pods: 1 pod starting"]);
  });

  it("that have crashed come with a command for their log", () => {
    const [finding] = agentPodFindings({ ok: true, value: [CRASHED] }, CONTEXT);
    expect(finding?.hint).toBe("see why it crashed: kubectl logs agent-2 -n flows --previous");
  });
});
