// Agents that have registered in Prefect, and whether those that should be running ask for flow runs.

import { timeBetween } from "../../base/duration.ts";
import { isReady } from "../../inventory/pod-status.ts";
import { isPolling, noneRunning } from "../../inventory/waiting.ts";
import { labelsText, type AgentRow } from "../../orchestrator/agent-identity.ts";
import type { InstalledAgent } from "../../prefect1/installed-agent.ts";
import type { ExpectedAgent } from "../context.ts";
import { checkOf, counted, firstOf, kubectl, type Finding } from "../finding.ts";

const { check, ok, warning } = checkOf({ section: "prefect", check: "agents" });

export const agents = check(async ({ prefect1, expectedAgents }) => {
  const [registered, expected] = await Promise.all([prefect1.agents(), expectedAgents()]);
  return agentFindings(registered, expected, prefect1.clock.now());
});

/** `registered`: ordered by their last poll. Why the pod of an agent is not ready is another check's finding. */
export function agentFindings(
  registered: readonly AgentRow[],
  expected: readonly ExpectedAgent[],
  now: Date,
): readonly Finding[] {
  const ready = expected.filter(({ installed }) => installed === undefined || isReady(installed.pod));
  if (expected.length > 0) return ready.map((agent) => expectedFinding(agent, registered, now));
  const running = registered.filter((agent) => isPolling(agent, now));
  const shown = firstOf(running.map(({ name, labels }) => `"${name}" with ${labelsText(labels)}`));
  if (running.length > 0) return [ok(`${counted(running.length, "running agent")}: ${shown}`)];
  const hint = "start one, or install one in a cluster";
  return [warning(noneRunning(registered, now), { hint })];
}

function expectedFinding(
  { labels, installed }: ExpectedAgent,
  registered: readonly AgentRow[],
  now: Date,
): Finding {
  const name = installed?.name;
  const latest = registered.find(
    (agent) => labelsText(agent.labels) === labelsText(labels) && (name ?? agent.name) === agent.name,
  );
  const title = `${name === undefined ? "an agent" : `"${name}"`} with ${labelsText(labels)}`;
  const message = `${title} ${lastPoll(latest, now)}`;
  if (latest !== undefined && isPolling(latest, now)) return ok(message);
  if (installed === undefined) return warning(message, { hint: "start it" });
  const address = installed.api === undefined ? "" : ` (its own is ${installed.api})`;
  const hint = `it may use another Prefect API${address}; its log says more`;
  return warning(`${message}, but its pod is ready`, { hint, look: logCommand(installed) });
}

export function logCommand({ pod, container }: InstalledAgent): string {
  return kubectl(`logs ${pod.metadata.name} -c ${container}`, pod.metadata.namespace);
}

function lastPoll(agent: AgentRow | undefined, now: Date): string {
  if (agent?.lastPolledAt === undefined) return "has never asked this API for flow runs";
  return `last asked for flow runs ${timeBetween(agent.lastPolledAt, now)} ago`;
}
