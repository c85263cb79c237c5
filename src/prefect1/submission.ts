// What a claim writes to Prefect: a Submitted state that names the claimer and the Job to create. If the agent crashes
// before it creates the Job, the claim has all that is needed to finish the submission.

import { jobIdentifier } from "./build/identifier.ts";
import { CLAIM_KEY } from "./claim.ts";
import type { ClaimContext, StateClaim } from "./claim.ts";
import type { FlowRun } from "./flow-run.ts";
import { isScheduled, submitted } from "./states.ts";

/** A claim of a flow run; of a Running one, it is of its overdue task runs. */
export interface ClaimedWork {
  readonly flowRun: FlowRun;
  readonly claim: ClaimContext;
}

/** The work to claim for a run that can be launched. */
export function workOf(flowRun: FlowRun, claimer: Omit<ClaimContext, "identifier">): ClaimedWork {
  return { flowRun, claim: { ...claimer, identifier: jobIdentifier(flowRun) } };
}

/** Whether its task runs are claimed, not the run. */
export function isOfTasks({ flowRun }: ClaimedWork): boolean {
  return flowRun.state === "Running";
}

/** The states to set. The messages are the original agent's. */
export function claimsOf(work: ClaimedWork): StateClaim[] {
  const { id, version, serialized_state: previous, task_runs: tasks } = work.flowRun;
  const context = { [CLAIM_KEY]: work.claim };
  if (!isOfTasks(work))
    return [{ id, version, state: submitted(previous, "Submitted for execution", context) }];
  return (
    tasks
      // Submitted ones were claimed by an agent that is gone.
      .filter(({ serialized_state: { type } }) => isScheduled(type) || type === "Submitted")
      .map(({ serialized_state: state, ...task }) => ({
        ...task,
        state: submitted(state, "Submitted for execution.", context),
      }))
  );
}
