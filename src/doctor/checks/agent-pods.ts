// The agent's own pods: Prefect does not show that an agent crashes.

import type { ExpectedError } from "../../base/errors.ts";
import { timeBetween } from "../../base/duration.ts";
import { arrayIn, objectIn, textIn } from "../../base/json.ts";
import { isReady, podStatus } from "../../inventory/pod-status.ts";
import { containerStatuses, specOf } from "../../job/observe/flow-container.ts";
import { describeTermination } from "../../job/observe/termination.ts";
import { oneLine } from "../../job/observe/problem.ts";
import type { AnyObject, Pod } from "../../kube/client/objects.ts";
import { labelsText } from "../../orchestrator/agent-identity.ts";
import { AGENT_POD_SELECTOR, type InstalledAgent } from "../../prefect1/installed-agent.ts";
import { checkOf, counted, kubectl, type Finding } from "../finding.ts";

const { check, broken, ok, skipped, warning } = checkOf({ section: "kubernetes", check: "agent's pods" });
/** How long a pod may take to become ready. */
const START_GRACE_MS = 60_000;
/** The kubelet's: a container that has run for so long is no longer in a crash loop. */
const STABLE_AFTER_MS = 600_000;

export const agentPods = check(async ({ kubernetes, target: { account }, now }) => {
  const [pods, agents] = await Promise.all([kubernetes.agentPods(), kubernetes.agents()]);
  const unread = pods.flatMap(({ pod, agent }) => (agent.ok ? [] : [unreadFinding(pod, agent.error, now())]));
  if (pods.length > 0) return [...podFindings(agents, now()), ...unread];
  const installed = await kubernetes.deployments();
  if (installed.length > 0) return installed.map((each) => podlessFinding(each));
  const none = `no agent is here (pods with ${AGENT_POD_SELECTOR})`;
  if (account === undefined) return [skipped(none)];
  const others = await kubernetes.otherAccounts(account.namespace);
  if (others.length === 0) return [warning(`${none} as ServiceAccount ${account.name}`)];
  const hint = "leave out --for to check the agents that run here";
  return [
    warning(`no agent is here as ServiceAccount ${account.name}, but as ${others.join(", ")}`, { hint }),
  ];
});

/** A finding for each pod. One that does not start is broken, unless another pod of the same agent is ready. */
export function podFindings(agents: readonly InstalledAgent[], now: Date): Finding[] {
  return agents.map(({ pod, name, labels, account }) => {
    const { name: podName, namespace, creationTimestamp } = pod.metadata;
    const crash = crashFinding(pod, now);
    if (crash !== undefined) return crash;
    const shown = `${podName} (${timeBetween(new Date(creationTimestamp), now)} old)`;
    const withLabels = labels === undefined ? "" : ` with ${labelsText(labels)}`;
    if (isReady(pod)) return ok(`${shown} runs "${name}"${withLabels} as ServiceAccount ${account.name}`);
    if (now.getTime() - Date.parse(creationTimestamp) < START_GRACE_MS) return ok(`${shown} is starting`);
    const report = agents.some((other) => other.name === name && isReady(other.pod)) ? warning : broken;
    const look = kubectl(`describe pod ${podName}`, namespace);
    return report(`${shown} is not ready: ${podStatus(pod)}`, { hint: "see what it waits for", look });
  });
}

/** A Deployment of an agent without a pod: why there is none. */
export function podlessFinding({ metadata, spec = {}, status = {} }: AnyObject): Finding {
  const { name, namespace } = metadata;
  const shown = `Deployment "${name}"`;
  if (spec["replicas"] === 0) {
    const fix = [kubectl(`scale deployment/${name} --replicas=1`, namespace)];
    return warning(`${shown} has 0 replicas: no agent runs here`, { hint: "start one", fix });
  }
  const failure = arrayIn(status["conditions"])
    .map(objectIn)
    .find(({ type }) => type === "ReplicaFailure");
  const cause = textIn(failure?.["message"]);
  const look = kubectl(`describe deployment ${name}`, namespace);
  const why = cause === undefined ? "has no pod yet" : `can create no pod: ${oneLine(cause)}`;
  return broken(`${shown} ${why}`, { hint: "see why", look });
}

/** A pod whose settings cannot be read: the agent in it refuses them too, unless it is Prefect's own. */
export function unreadFinding(pod: Pod, { message, hint }: ExpectedError, now: Date): Finding {
  const crash = crashFinding(pod, now);
  if (crash !== undefined) return { ...crash, details: [message], hint: hint ?? crash.hint };
  const report = isReady(pod) ? warning : broken;
  return report(`${pod.metadata.name}: ${message}`, { hint });
}

/** A container has exited with an error, and has not run for long since. */
function crashFinding(pod: Pod, now: Date): Finding | undefined {
  const { name, namespace } = pod.metadata;
  for (const status of containerStatuses(pod)) {
    const { state, lastState, restartCount = 0 } = status;
    const terminated = state?.terminated ?? lastState?.terminated;
    const runningMs = now.getTime() - Date.parse(state?.running?.startedAt ?? "");
    if (terminated === undefined || terminated.exitCode === 0 || runningMs > STABLE_AFTER_MS) continue;
    const cause = describeTermination(terminated, specOf(pod, status));
    const message = `${name} is crashing: container '${status.name}' ${cause}, restarted ${counted(restartCount, "time")}`;
    const previous = restartCount > 0 && state?.terminated === undefined ? " --previous" : "";
    const look = kubectl(`logs ${name} -c ${status.name}${previous}`, namespace);
    return broken(message, { hint: "read its log", look });
  }
  return undefined;
}
