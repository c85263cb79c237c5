// Inventory: reads which agents poll, and so which flow runs have lost theirs. Their Jobs run on, but for a while nobody
// reports how they end.

import { attempt } from "../base/attempt.ts";
import { ownerOf } from "../job/owner.ts";
import { agentKey, lastPolls, type AgentIdentity } from "../orchestrator/agent-identity.ts";
import { lifecycleOf } from "../orchestrator/flow-run.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import type { InventoryRun } from "./inventory.ts";
import { agentText, isGone, pollText, type RunOwner } from "./run-owner.ts";

/** A line for each agent that is gone and has left runs here. */
export function ownerWarnings(runs: readonly InventoryRun[]): readonly string[] {
  return goneAgents(runs).map(([owner, { length }]) => {
    const [left, ends] = length === 1 ? ["flow run", "it ends"] : [`${length} flow runs`, "they end"];
    const since = `${agentText(owner)} ${pollText(owner)}`;
    return `${since}: until another one adopts its ${left}, nobody reports how ${ends}`;
  });
}

/** The agents that are gone, each with the runs here that it has not finished. */
export function goneAgents(runs: readonly InventoryRun[]): readonly (readonly [RunOwner, InventoryRun[]])[] {
  const isLeft = ({ owner, status }: InventoryRun): boolean =>
    owner !== undefined && isGone(owner) && lifecycleOf(status).kind === "alive";
  const byAgent = Map.groupBy(runs.filter(isLeft), ({ owner }) => owner && agentKey(owner));
  return [...byAgent.values()].flatMap((group) =>
    group[0]?.owner ? [[group[0].owner, group] as const] : [],
  );
}

/** When each agent of the tenant polled last, by agentKey, in milliseconds before now. */
type Silences = ReadonlyMap<string, number>;

/** Undefined if Prefect does not tell; that its API does not answer is a warning of the states already. */
export async function readSilences(
  source: Pick<RunDirectory, "agents" | "now"> | undefined,
  signal: AbortSignal | undefined,
): Promise<Silences | undefined> {
  const read = await attempt(async () => {
    const rows = await source?.agents(signal);
    const nowMs = source?.now().getTime() ?? 0;
    const polled = rows && [...lastPolls(rows)].filter(([, atMs]) => atMs > 0);
    return polled && new Map(polled.map(([agent, atMs]) => [agent, nowMs - atMs]));
  });
  return read.value;
}

/** The runs of Prefect 1 with their owners. */
export function withOwners(
  runs: readonly InventoryRun[],
  silences: Silences | undefined,
): readonly InventoryRun[] {
  if (silences === undefined) return runs;
  return runs.map((run) => (run.prefectVersion === 1 ? { ...run, owner: ownerIn(run, silences) } : run));
}

/** By the newest Job's annotation, else by Prefect's record of who submitted the run. */
function ownerIn({ observed, status }: InventoryRun, silences: Silences): RunOwner | undefined {
  // A run of another tenant or Prefect: the polls of its agent cannot be read.
  if (status.kind !== "known") return undefined;
  const job = observed.jobs.at(-1)?.job;
  const owner = (job && ownerOf(job.metadata)) ?? status.agent;
  return owner && withSilence(owner, silences);
}

/** The agent, and how long ago it polled. */
export function withSilence(agent: AgentIdentity, silences: Silences): RunOwner {
  const { name, labels } = agent;
  return { name, labels, silentMs: silences.get(agentKey(agent)) };
}
