// Inventory: what Prefect knows of a run that has no Job here: why nobody takes it (which label no running agent has), who has
// taken it, the run in whose process it runs, and the errors in its log.

import { timeBetween } from "../base/duration.ts";
import { labelsText, takesRun, type AgentRow } from "../orchestrator/agent-identity.ts";
import { isActive, isFailed, isFinished, type RunStatus } from "../orchestrator/flow-run.ts";
import { logPages, type RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectFindings } from "./diagnosis.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import { loadInventory } from "./load.ts";
import { NO_STATES } from "./run-states.ts";
import { readSilences, withSilence } from "./agent-polls.ts";
import type { InventoryRun } from "./inventory.ts";
import { agentText, pollText } from "./run-owner.ts";

/** Prefect calls an agent healthy if it polled within the last minute. */
const POLLED_WITHIN_MS = 60_000;
const MAX_NAMED = 5;
const ERRORS = 3;

interface Asking {
  readonly kube: Pick<KubeApi, "listPage">;
  /** Where the run is looked for; undefined: everywhere. */
  readonly namespace: string | undefined;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Throws PrefectError, and KubeError. */
export async function askPrefect(
  { flowRunId: id, status, observed }: InventoryRun,
  directory: RunDirectory | undefined,
  { kube, namespace, now, signal }: Asking,
): Promise<PrefectFindings> {
  if (directory === undefined || status.kind !== "known") return {};
  const { type, dueAt } = status.state;
  const hasJobs = observed.jobs.length > 0;
  // A run that starts again may still have its last Job.
  if (hasJobs && !(type === "scheduled" && observed.jobs.every(({ job }) => isJobFinished(job)))) return {};
  const host = hasJobs || isFinished(type) ? undefined : await directory.hostOf?.(id, signal);
  if (host !== undefined) return { host, hostJobs: await jobNames(host.id, { kube, namespace, signal }) };
  const isDue = type === "scheduled" && (dueAt === undefined || dueAt <= now);
  if (directory.waitReason !== undefined && !isFinished(type) && (isDue || type !== "scheduled")) {
    const { reason: taken, hint } = (await directory.waitReason(id, signal)) ?? {};
    return { taken, hint };
  }
  if (isDue) {
    const agents = await directory.agents(signal);
    return agents === undefined ? {} : { taken: waitReason(status.labels ?? [], agents, now) };
  }
  if (isActive(type)) return takenBy(status, directory, signal);
  if (!isFailed(type)) return {};
  const errors: string[] = [];
  for await (const page of logPages(directory, { id, errorsOnly: true, tail: ERRORS }, signal))
    errors.push(...page.map(({ message }) => message.trimEnd()));
  return { errors };
}

/** The names of its Jobs; without permission to list them none, of which the run's own inventory warns. */
async function jobNames(
  flowRunId: string,
  { kube, namespace, signal }: Omit<Asking, "now">,
): Promise<readonly string[]> {
  const { runs } = await loadInventory(kube, NO_STATES, { flowRunId, namespace, signal });
  return runs.flatMap(({ observed }) => observed.jobs.map(({ job }) => job.metadata.name));
}

/** The agent that has submitted the run, where to, and when it last polled. */
async function takenBy(
  { state: { claim }, agent: recorded }: Extract<RunStatus, { kind: "known" }>,
  directory: RunDirectory,
  signal: AbortSignal,
): Promise<PrefectFindings> {
  const agent = claim?.agent.name ? claim.agent : recorded;
  if (agent === undefined) return {};
  const silences = await readSilences(directory, signal);
  const where = claim === undefined ? "" : ` to namespace "${claim.place.namespace}"`;
  const polls = silences && ` and ${pollText(withSilence(agent, silences))}`;
  return { taken: `${agentText(agent)} has submitted it${where}${polls ?? ""}` };
}

/** Whether the agent is running: it polls for flow runs. `now`: by the API's clock. */
export function isPolling({ lastPolledAt }: Pick<AgentRow, "lastPolledAt">, now: Date): boolean {
  return lastPolledAt !== undefined && now.getTime() - lastPolledAt.getTime() <= POLLED_WITHIN_MS;
}

/** Names the missing label and the agents that exist. `agents`: the last to poll first. */
function waitReason(labels: readonly string[], agents: readonly AgentRow[], now: Date): string {
  const running = agents.filter((agent) => isPolling(agent, now));
  if (running.length === 0) return noneRunning(agents, now);
  const taker = running.find((agent) => takesRun(agent.labels, labels));
  if (taker !== undefined)
    return `agent "${taker.name}" with ${labelsText(taker.labels)} takes such runs; its log tells why not yet`;
  const named = running
    .slice(0, MAX_NAMED)
    .map((agent) => `"${agent.name}" with ${labelsText(agent.labels)}`);
  const more = running.length > MAX_NAMED ? ` and ${running.length - MAX_NAMED} more` : "";
  return `${lacking(labels, running)}; running: ${named.join(", ")}${more}`;
}

/** What the agent that has most of the labels lacks. */
function lacking(labels: readonly string[], running: readonly AgentRow[]): string {
  if (labels.length === 0) return "it has no labels, and only an agent without labels takes such runs";
  const missing = running.map((agent) => labels.filter((label) => !agent.labels.includes(label)));
  const [fewest = labels] = missing.sort((left, right) => left.length - right.length);
  const needs = fewest.length === labels.length ? "" : ` (the run needs ${labels.join(", ")})`;
  return `no running agent has ${labelsText(fewest)}${needs}`;
}

/** That no agent is running, and which was the last. `agents`: the last to poll first. */
export function noneRunning([latest]: readonly AgentRow[], now: Date): string {
  if (latest?.lastPolledAt === undefined) return "no agent is running; none has asked for flow runs yet";
  const ago = timeBetween(latest.lastPolledAt, now);
  return `no agent is running; "${latest.name}" with ${labelsText(latest.labels)} was last seen ${ago} ago`;
}
