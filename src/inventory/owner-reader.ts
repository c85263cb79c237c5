// Inventory: reads which agents poll, and so which flow runs have lost theirs. Their Jobs run on, but for a while nobody
// reports how they end.

import { ExpectedError } from "../base/errors.ts";
import { ownerOf } from "../job/owner.ts";
import { agentKey, isSameAgent } from "../orchestrator/agent-identity.ts";
import type { AgentRow } from "../orchestrator/agent-identity.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import type { InventoryRun } from "./inventory.ts";
import { agentText, isGone, pollText } from "./run-owner.ts";
import type { RunOwner } from "./run-owner.ts";

/** A line for each agent that is gone and has left runs here. */
export function ownerWarnings(runs: readonly InventoryRun[]): readonly string[] {
  return goneAgents(runs).map(
    ([owner, { length }]) =>
      `${agentText(owner)} ${pollText(owner)}: until another one adopts its ${length === 1 ? "flow run" : `${length} flow runs`}, nobody reports how they end`,
  );
}

/** The agents that are gone, each with the runs here that it has not finished. */
export function goneAgents(runs: readonly InventoryRun[]): readonly (readonly [RunOwner, InventoryRun[]])[] {
  const left = runs.filter(
    ({ owner, status }) =>
      owner !== undefined && isGone(owner) && status.kind === "known" && !isFinished(status.state.type),
  );
  const byAgent = Map.groupBy(left, ({ owner }) => (owner === undefined ? "" : agentKey(owner)));
  return [...byAgent.values()].flatMap((group) =>
    group[0]?.owner ? [[group[0].owner, group] as const] : [],
  );
}

type Source = Partial<Pick<RunDirectory, "agents" | "now">>;

/** Reads the agents of Prefect 1 for one listing, once. */
export class OwnerReader {
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  #agents: Promise<Agents | undefined> | undefined;

  /** `source`: undefined: nobody's owner is known. */
  constructor(source: Source | undefined, signal?: AbortSignal) {
    this.#source = source ?? {};
    this.#signal = signal;
  }

  /** Starts to read them. */
  start(): void {
    this.#agents ??= this.#read();
  }

  /** The runs with their owners. An API that does not answer is a warning of the states already. */
  async withOwners(runs: readonly InventoryRun[]): Promise<readonly InventoryRun[]> {
    const agents = await this.#agents;
    if (agents === undefined) return runs;
    return runs.map((run) => (run.prefectVersion === 1 ? { ...run, owner: ownerIn(run, agents) } : run));
  }

  async #read(): Promise<Agents | undefined> {
    const { agents, now } = this.#source;
    try {
      const rows = await agents?.(this.#signal);
      return rows === undefined || now === undefined ? undefined : { rows, nowMs: now().getTime() };
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return undefined;
    }
  }
}

interface Agents {
  readonly rows: readonly AgentRow[];
  /** By Prefect's clock. */
  readonly nowMs: number;
}

/** By the newest Job's annotation, else by Prefect's record of who submitted the run. */
function ownerIn({ observed, status }: InventoryRun, { rows, nowMs }: Agents): RunOwner | undefined {
  const submitted = status.kind === "known" ? status.agent : undefined;
  const job = observed.jobs.at(-1)?.job;
  const owner = (job && ownerOf(job.metadata)) ?? submitted;
  // Of another tenant, or of another Prefect: its polls cannot be read.
  if (owner === undefined || status.kind !== "known") return undefined;
  const { name, labels, tenantId } = owner;
  const polls = rows
    .filter((row) => isSameAgent(row, owner))
    .map(({ lastPolledAt }) => lastPolledAt?.getTime() ?? 0);
  const silentMs = polls.length === 0 ? undefined : nowMs - Math.max(...polls);
  return { name, labels, tenantId, silentMs };
}
