// Decodes the states of flow runs and task runs, and maps Prefect 1's states to those of the agent.

import { objectIn, textIn } from "../base/json.ts";
import type { ClaimRecord, RunState, StateType } from "../orchestrator/flow-run.ts";
import { identifiersOf } from "./build/identifier.ts";
import { claimIn } from "./claim.ts";
import type { TaskRun } from "./flow-run.ts";
import type { State } from "./states.ts";
import { isFailed, isSuccessful } from "./states.ts";

/** A flow run's row. */
export interface StateRow {
  readonly id: string;
  readonly name: string | null;
  readonly version: number;
  readonly state: State;
  /** When the row last changed; heartbeats change it too. */
  readonly updated?: Date | undefined;
}

/** As in Core, a run without a state counts as Pending. */
export function decodeStateRow(raw: unknown): StateRow {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? null,
    version: parseVersion(row["version"]),
    state: stateIn(row["serialized_state"]),
    updated: parseDate(row["updated"]),
  };
}

export function decodeTaskRun(raw: unknown): TaskRun {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    version: parseVersion(row["version"]),
    task_id: textIn(row["task_id"]) ?? null,
    serialized_state: stateIn(row["serialized_state"]),
  };
}

/** A serialized state; without a type it counts as Pending. */
export function stateIn(raw: unknown): State {
  const state = objectIn(raw);
  return { ...state, type: textIn(state["type"]) ?? "Pending" };
}

export function runStateOf({ id, version, state, updated }: Omit<StateRow, "name">): RunState {
  return {
    type: stateType(state.type),
    name: state.type,
    message: state.message ?? undefined,
    since: updated,
    version,
    claim: claimRecord(id, state),
  };
}

const TYPES: Readonly<Record<string, StateType>> = {
  Submitted: "pending",
  Running: "running",
  Paused: "paused",
  Cancelling: "cancelling",
  Cancelled: "cancelled",
  Finished: "completed",
  Looped: "completed",
};

/** `scheduled` if nothing runs the flow: Scheduled, Resume, Retrying, Queued, Pending, and unknown names. */
function stateType(type: string): StateType {
  if (isSuccessful(type)) return "completed";
  if (isFailed(type)) return "failed";
  return TYPES[type] ?? "scheduled";
}

function claimRecord(flowRunId: string, state: State): ClaimRecord | undefined {
  const claim = claimIn(state);
  if (claim === undefined) return undefined;
  const { id, scope, identifier, by } = claim;
  return { id, scope, identifiers: identifiersOf(identifier, flowRunId), by };
}

function parseVersion(raw: unknown): number {
  return typeof raw === "number" ? raw : 0;
}

function parseDate(raw: unknown): Date | undefined {
  const text = textIn(raw);
  return text === undefined ? undefined : new Date(text);
}
