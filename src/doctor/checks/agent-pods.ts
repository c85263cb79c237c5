// The agent's own pods in the cluster: Prefect does not show that an agent crashes.

import { isReady, podStatus, restartsOf } from "../../inventory/pod-status.ts";
import { oneLine } from "../../job/observe/problem.ts";
import type { Pod } from "../../kube/client/objects.ts";
import { durationSince } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { isForbidden, failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

/** The selector of the agent's Deployment, Prefect's own and ours. */
export const AGENT_POD_SELECTOR = "app=prefect-agent";
/** How long a pod may take to become ready. */
const START_GRACE_MS = 60_000;

/** `isExpected`: the user has named the ServiceAccount of an agent in this namespace. */
export interface AgentPodContext {
  readonly namespace: string;
  readonly isExpected: boolean;
  readonly now: Date;
}

/** One finding for all ready pods, and one for each that is not ready. */
export function agentPodFindings(
  pods: Answer<readonly Pod[]>,
  { namespace, isExpected, now }: AgentPodContext,
): readonly Finding[] {
  const about = { section: "kubernetes", check: "agent's pods" } as const;
  if (!pods.ok) return isForbidden(pods.error) ? [] : [failedRequestFinding(about, pods.error)];
  const ready = pods.value.filter(isReady);
  const late = pods.value.filter(
    (pod) => !isReady(pod) && now.getTime() - createdAt(pod).getTime() > START_GRACE_MS,
  );
  if (pods.value.length === 0) {
    if (!isExpected) return [];
    const message = `no agent pod in namespace "${namespace}" (${AGENT_POD_SELECTOR})`;
    return [
      {
        ...about,
        status: "warning",
        message,
        hint: `install the agent: kubectl prefect install --rbac=minimal -n ${namespace} | kubectl apply -f -`,
      },
    ];
  }
  const accounts = [...new Set(ready.map(({ spec }) => spec.serviceAccountName ?? "default"))];
  const ok: Finding = {
    ...about,
    status: "ok",
    message: `${counted(ready.length, "pod")} ready: ${firstOf(ready.map((pod) => described(pod, now)))}; as ServiceAccount ${accounts.join(", ")}`,
  };
  const notReady = late.map((pod): Finding => {
    const { name } = pod.metadata;
    const hint =
      restartsOf(pod) > 0
        ? `see why it crashed: kubectl logs ${name} -n ${namespace} --previous`
        : `see what it waits for: kubectl describe pod ${name} -n ${namespace}`;
    const status = ready.length > 0 ? "warning" : "broken";
    return { ...about, status, message: `${described(pod, now)}: ${podStatus(pod)}${reasonOf(pod)}`, hint };
  });
  const starting: Finding = {
    ...about,
    status: "ok",
    message: `${counted(pods.value.length, "pod")} starting`,
  };
  if (ready.length > 0) return [ok, ...notReady];
  return notReady.length > 0 ? notReady : [starting];
}

function described(pod: Pod, now: Date): string {
  const restarts = restartsOf(pod);
  const often = restarts === 0 ? "" : `, restarted ${counted(restarts, "time")}`;
  return `${pod.metadata.name} (${durationSince(createdAt(pod), now)} old${often})`;
}

/** The message of the kubelet or the scheduler. */
function reasonOf({ status }: Pod): string {
  const waiting = (status.containerStatuses ?? []).map(({ state }) => state?.waiting?.message ?? "");
  const unscheduled = (status.conditions ?? []).map((each) =>
    each.status === "False" && each.type === "PodScheduled" ? (each.message ?? "") : "",
  );
  const message = [...waiting, ...unscheduled, status.message ?? ""].find((each) => each !== "");
  return message === undefined ? "" : ` (${oneLine(message)})`;
}

function createdAt({ metadata }: Pod): Date {
  return new Date(metadata.creationTimestamp);
}
