// Rows of flow_run and task_run, as far as states are asked for, and what a state of Prefect 1 means to the agent.

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
  /** When the row changed last; heartbeats change it, too. */
  readonly updated?: Date | undefined;
}

/** A flow run's state; a run without one counts as Pending, as Core reads it. */
export function decodeStateRow(raw: unknown): StateRow {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? null,
    version: versionIn(row["version"]),
    state: stateIn(row["serialized_state"]),
    updated: momentIn(row["updated"]),
  };
}

/** A task run; a fresh one has a state of no more than type and message, or none. */
export function decodeTaskRun(raw: unknown): TaskRun {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    version: versionIn(row["version"]),
    task_id: textIn(row["task_id"]) ?? null,
    serialized_state: stateIn(row["serialized_state"]),
  };
}

/** A serialized state; without a type it counts as Pending. */
export function stateIn(raw: unknown): State {
  const state = objectIn(raw);
  return { ...state, type: textIn(state["type"]) ?? "Pending" };
}

/** The state as the agent and the commands see it. */
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

/** Scheduled stands for all that nobody works on: Scheduled, Resume, Retrying, Queued, Pending, and names that we do not know. */
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

function versionIn(raw: unknown): number {
  return typeof raw === "number" ? raw : 0;
}

function momentIn(raw: unknown): Date | undefined {
  const text = textIn(raw);
  return text === undefined ? undefined : new Date(text);
}
