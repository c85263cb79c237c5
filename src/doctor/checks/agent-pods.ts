// The agent's own pods in the cluster, where install has put them: an agent that crashes tells nobody in Prefect.

import { isReady, podStatus, restartsOf } from "../../inventory/pod-status.ts";
import { oneLine } from "../../job/observe/problem.ts";
import type { Pod } from "../../kube/client/objects.ts";
import { since } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { isForbidden, unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

/** The selector of the Deployment that Prefect's own install makes, and ours. */
export const AGENT_POD_SELECTOR = "app=prefect-agent";
/** A pod has so long to become ready, in milliseconds. */
const START_GRACE_MS = 60_000;

/** Where they were looked for; `isExpected`: somebody named the ServiceAccount of such an agent. */
export interface AgentPodContext {
  readonly namespace: string;
  readonly isExpected: boolean;
  readonly now: Date;
}

/** One finding for the pods that are ready, and one for each that is not. */
export function agentPodFindings(
  pods: Answer<readonly Pod[]>,
  { namespace, isExpected, now }: AgentPodContext,
): readonly Finding[] {
  const about = { section: "kubernetes", check: "agent's pods" } as const;
  if (!pods.ok) return isForbidden(pods.error) ? [] : [unanswered(about, pods.error)];
  const ready = pods.value.filter(isReady);
  const late = pods.value.filter(
    (pod) => !isReady(pod) && now.getTime() - madeAt(pod).getTime() > START_GRACE_MS,
  );
  if (pods.value.length === 0) {
    if (!isExpected) return [];
    const message = `none in namespace "${namespace}" (${AGENT_POD_SELECTOR})`;
    return [
      {
        ...about,
        status: "warning",
        message,
        hint: `install it: kubectl prefect install --rbac=minimal -n ${namespace} | kubectl apply -f -`,
      },
    ];
  }
  const accounts = [...new Set(ready.map(({ spec }) => spec.serviceAccountName ?? "default"))];
  const ok: Finding = {
    ...about,
    status: "ok",
    message: `${counted(ready.length, "pod")} ready: ${firstOf(ready.map((pod) => described(pod, now)))}; as ServiceAccount ${accounts.join(", ")}`,
  };
  const troubled = late.map((pod): Finding => {
    const { name } = pod.metadata;
    const hint =
      restartsOf(pod) > 0
        ? `read what it said last: kubectl logs ${name} -n ${namespace} --previous`
        : `see what it waits for: kubectl describe pod ${name} -n ${namespace}`;
    const status = ready.length > 0 ? "warning" : "broken";
    return { ...about, status, message: `${described(pod, now)}: ${podStatus(pod)}${reasonOf(pod)}`, hint };
  });
  const starting: Finding = {
    ...about,
    status: "ok",
    message: `${counted(pods.value.length, "pod")} starting`,
  };
  if (ready.length > 0) return [ok, ...troubled];
  return troubled.length > 0 ? troubled : [starting];
}

function described(pod: Pod, now: Date): string {
  const restarts = restartsOf(pod);
  const often = restarts === 0 ? "" : `, restarted ${counted(restarts, "time")}`;
  return `${pod.metadata.name} (${since(madeAt(pod), now)} old${often})`;
}

/** What the kubelet or the scheduler message of it. */
function reasonOf({ status }: Pod): string {
  const waiting = (status.containerStatuses ?? []).map(({ state }) => state?.waiting?.message ?? "");
  const unscheduled = (status.conditions ?? []).map((each) =>
    each.status === "False" && each.type === "PodScheduled" ? (each.message ?? "") : "",
  );
  const message = [...waiting, ...unscheduled, status.message ?? ""].find((each) => each !== "");
  return message === undefined ? "" : ` (${oneLine(message)})`;
}

function madeAt({ metadata }: Pod): Date {
  return new Date(metadata.creationTimestamp);
}
