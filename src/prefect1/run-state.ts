// Decodes the states of flow runs and task runs, and maps Prefect 1's states to those of the agent.

import { arrayIn, dateIn, isObject, textIn, type JsonObject } from "../base/json.ts";
import type { AgentIdentity } from "../orchestrator/agent-identity.ts";
import type { ClaimRecord, RunState } from "../orchestrator/flow-run.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import { identifiersOf } from "./build/identifier.ts";
import { claimIn } from "./claim.ts";
import { taskRunIn, type FlowRun } from "./flow-run.ts";
import { isScheduled, startTimeOf, stateType, type State } from "./states.ts";

/** A row of flow runs, with the agent that submitted the run. */
export function knownRunIn(row: JsonObject): KnownRun {
  const stated = taskRunIn(row);
  return {
    id: stated.id,
    name: textIn(row["name"]),
    state: runStateOf(stated, dateIn(row["state_timestamp"])),
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

/** `updated`: when the row last changed; heartbeats change it too. */
export function runStateOf(
  { id, version, serialized_state: state }: Pick<FlowRun, "id" | "version" | "serialized_state">,
  updated?: Date,
): RunState {
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

/** The claim in a flow run's state, with the identifiers that its Job may have. */
export function claimRecord(flowRunId: string, state: State): ClaimRecord | undefined {
  const claim = claimIn(state);
  return claim && { ...claim, identifiers: identifiersOf(claim.identifier, flowRunId) };
}
