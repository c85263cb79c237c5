// launch: what a claim writes into Prefect: the Submitted state with whose it is and which Job is due.
// This is the intention log of "exactly once": a crash after it leaves all that is needed to finish the submission.

import { jobIdentifier } from "../../job/identifier.ts";
import { CLAIM_KEY } from "../../prefect/claiming.ts";
import type { ClaimMark } from "../../prefect/claiming.ts";
import type { Claim } from "../../prefect/api.ts";
import type { FlowRun } from "../../prefect/flow-run.ts";
import { isScheduled, submitted } from "../../prefect/state.ts";

/** What a submission asks of Prefect: the flow run itself, or the overdue task runs of a Running one. */
export interface Submission {
  readonly flowRun: FlowRun;
  readonly mark: ClaimMark;
  readonly of: "flow run" | "tasks";
  readonly claims: readonly Claim[];
}

/** The submission of a launchable run. The messages are the original agent's, the full stop included. */
export function submissionOf(flowRun: FlowRun, place: string, claimId: string): Submission {
  const mark = { id: claimId, place, identifier: jobIdentifier(flowRun) };
  const context = { [CLAIM_KEY]: mark };
  if (isScheduled(flowRun.state)) {
    const state = submitted(flowRun.serialized_state, "Submitted for execution", context);
    const claims = [{ id: flowRun.id, version: flowRun.version, state }];
    return { flowRun, mark, of: "flow run", claims };
  }
  const claims = flowRun.task_runs
    .filter(({ serialized_state: state }) => isScheduled(state.type))
    .map(({ id, version, serialized_state: state }) => ({
      id,
      version,
      state: submitted(state, "Submitted for execution.", context),
    }));
  return { flowRun, mark, of: "tasks", claims };
}

/** The part of a context that all claims of a place share. */
export function placeMark(place: string): Readonly<Record<string, unknown>> {
  return { [CLAIM_KEY]: { place } };
}
