// Decodes the states of flow runs and task runs, and maps Prefect 1's states to those of the agent.

import { arrayIn, dateIn, isObject, objectIn, textIn, type JsonObject } from "../base/json.ts";
import type { AgentIdentity } from "../orchestrator/agent-identity.ts";
import type { ClaimRecord, RunState } from "../orchestrator/flow-run.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import { identifiersOf } from "./build/identifier.ts";
import { claimIn } from "./claim.ts";
import type { TaskRun } from "./flow-run.ts";
import { isScheduled, startTimeOf, stateType, type State } from "./states.ts";

/** A flow run's row. */
export interface StateRow {
  readonly id: string;
  readonly name: string | null;
  readonly version: number;
  readonly state: State;
  /** When the row last changed; heartbeats change it too. */
  readonly updated?: Date | undefined;
  readonly labels?: readonly string[] | undefined;
  /** The agent that submitted the run. */
  readonly agent?: AgentIdentity | undefined;
}

/** As in Core, a run without a state counts as Pending. */
export function decodeStateRow(raw: unknown): StateRow {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? null,
    version: parseVersion(row["version"]),
    state: stateIn(row["serialized_state"]),
    updated: dateIn(row["updated"]),
    labels: arrayIn(row["labels"]).map(String),
    agent: isObject(row["agent"]) ? agentIn(row["agent"]) : undefined,
  };
}

/** An agent of a row, or of a row that refers to it. */
export function agentIn(row: JsonObject): AgentIdentity {
  return {
    tenantId: textIn(row["tenant_id"]),
    name: textIn(row["name"]) ?? "",
    labels: arrayIn(row["labels"]).map(String),
  };
}

export function decodeTaskRun(raw: unknown): TaskRun {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    version: parseVersion(row["version"]),
    serialized_state: stateIn(row["serialized_state"]),
  };
}

/** A serialized state; without a type it counts as Pending. */
export function stateIn(raw: unknown): State {
  const state = objectIn(raw);
  return { ...state, type: textIn(state["type"]) ?? "Pending" };
}

export function runStateOf({
  id,
  version,
  state,
  updated,
}: Pick<StateRow, "id" | "version" | "state" | "updated">): RunState {
  return {
    type: stateType(state.type),
    name: state.type,
    message: state.message ?? undefined,
    since: updated,
    dueAt: isScheduled(state.type) ? startTimeOf(state) : undefined,
    version,
    claim: claimRecord(id, state),
  };
}

/** The run of a row. */
export function knownRun(row: StateRow): KnownRun {
  const { id, name, labels, agent } = row;
  return { id, name: name ?? undefined, state: runStateOf(row), labels, agent };
}

/** The record of the claim in a Submitted state of this run. */
export function claimRecord(flowRunId: string, state: State): ClaimRecord | undefined {
  const claim = claimIn(state);
  if (claim === undefined) return undefined;
  const { identifier, ...rest } = claim;
  return { ...rest, identifiers: identifiersOf(identifier, flowRunId) };
}

function parseVersion(raw: unknown): number {
  return typeof raw === "number" ? raw : 0;
}
