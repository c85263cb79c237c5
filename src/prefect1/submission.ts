// What a claim writes to Prefect: a Submitted state that names the claimer and the Job to create. If the agent crashes
// before it creates the Job, the claim has all that is needed to finish the submission.

import { jobIdentifier } from "./build/identifier.ts";
import { CLAIM_KEY } from "./claim.ts";
import type { ClaimContext, StateClaim } from "./claim.ts";
import type { FlowRun } from "./flow-run.ts";
import { isScheduled, submitted } from "./states.ts";

/** A claim of a flow run, or of the overdue task runs of a Running flow run. */
export interface ClaimedWork {
  readonly flowRun: FlowRun;
  readonly claim: ClaimContext;
  readonly target: "flow run" | "tasks";
}

export type Claimer = Omit<ClaimContext, "identifier">;

/** The work to claim for a run that can be launched. */
export function workOf(flowRun: FlowRun, claimer: Claimer): ClaimedWork {
  return workOfClaim({ ...claimer, identifier: jobIdentifier(flowRun) }, flowRun);
}

/** The work of a claim that was found in Prefect. */
export function workOfClaim(claim: ClaimContext, flowRun: FlowRun): ClaimedWork {
  return { flowRun, claim, target: flowRun.state === "Running" ? "tasks" : "flow run" };
}

/** The states to set. The messages are the original agent's. */
export function claimsOf({ flowRun, claim, target }: ClaimedWork): StateClaim[] {
  const context = { [CLAIM_KEY]: claim };
  if (target === "flow run") {
    const state = submitted(flowRun.serialized_state, "Submitted for execution", context);
    return [{ id: flowRun.id, version: flowRun.version, state }];
  }
  return (
    flowRun.task_runs
      // Submitted ones were claimed by an agent that is gone.
      .filter(({ serialized_state: state }) => isScheduled(state.type) || state.type === "Submitted")
      .map(({ id, version, serialized_state: state }) => ({
        id,
        version,
        state: submitted(state, "Submitted for execution.", context),
      }))
  );
}
