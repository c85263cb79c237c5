// What a claim writes into Prefect: the Submitted state, with who claims and which Job is to be made. It is the intention log
// of "exactly once": a crash after it leaves all that is needed to finish the submission.

import { jobIdentifier } from "./build/identifier.ts";
import { CLAIM_KEY } from "./claim.ts";
import type { ClaimContext, StateClaim } from "./claim.ts";
import type { FlowRun } from "./flow-run.ts";
import { isScheduled, submitted } from "./states.ts";

/** What is claimed: the flow run itself, or the overdue task runs of a Running one. */
export interface ClaimedWork {
  readonly flowRun: FlowRun;
  readonly claim: ClaimContext;
  readonly of: "flow run" | "tasks";
}

/** Who claims, and for where. */
export type Claimer = Pick<ClaimContext, "id" | "scope" | "by">;

/** What to claim of a run that can be launched. */
export function workOf(flowRun: FlowRun, claimer: Claimer): ClaimedWork {
  return workUnder({ ...claimer, identifier: jobIdentifier(flowRun) }, flowRun);
}

/** What a claim that was found in Prefect began. */
export function workUnder(claim: ClaimContext, flowRun: FlowRun): ClaimedWork {
  return { flowRun, claim, of: flowRun.state === "Running" ? "tasks" : "flow run" };
}

/** The states to ask for. The messages are the original agent's, the full stop included. */
export function claimsOf({ flowRun, claim, of }: ClaimedWork): StateClaim[] {
  const context = { [CLAIM_KEY]: claim };
  if (of === "flow run") {
    const state = submitted(flowRun.serialized_state, "Submitted for execution", context);
    return [{ id: flowRun.id, version: flowRun.version, state }];
  }
  return flowRun.task_runs
    .filter(({ serialized_state: state }) => isScheduled(state.type))
    .map(({ id, version, serialized_state: state }) => ({
      id,
      version,
      state: submitted(state, "Submitted for execution.", context),
    }));
}

/** The part of a state's context that all claims of a cluster and namespace share. */
export function scopeContext(scope: string): Readonly<Record<string, unknown>> {
  return { [CLAIM_KEY]: { scope } };
}
