// launch: what a claim writes into Prefect: the Submitted state with whose it is and which Job is due.
// This is the intention log of "exactly once": a crash after it leaves all that is needed to finish the submission.

import { jobIdentifier, otherIdentifier } from "./build/identifier.ts";
import { CLAIM_KEY } from "./claim.ts";
import type { ClaimRecord } from "./claim.ts";
import type { Claim } from "./api.ts";
import type { FlowRun } from "./flow-run.ts";
import { isScheduled, submitted } from "./states.ts";

/** Eight hex digits can meet another run's Job; a third meeting in a row is beyond belief. */
const NAMES = 3;

/** What is claimed: the flow run itself, or the overdue task runs of a Running one. */
export interface Submission {
  readonly flowRun: FlowRun;
  readonly mark: ClaimRecord;
  readonly of: "flow run" | "tasks";
}

/** Who claims, and for where. */
export type Claimer = Pick<ClaimRecord, "id" | "scope" | "by">;

/** The submission of a launchable run. */
export function submissionOf(flowRun: FlowRun, claimer: Claimer): Submission {
  return submissionUnder({ ...claimer, identifier: jobIdentifier(flowRun) }, flowRun);
}

/** The submission that a claim found in Prefect began. */
export function submissionUnder(mark: ClaimRecord, flowRun: FlowRun): Submission {
  return { flowRun, mark, of: flowRun.state === "Running" ? "tasks" : "flow run" };
}

/** What to ask of Prefect for it. The messages are the original agent's, the full stop included. */
export function claimsOf({ flowRun, mark, of }: Submission): Claim[] {
  const context = { [CLAIM_KEY]: mark };
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

/** The identifiers under which its Job may stand: its own, else those taken because another run's Job had it. */
export function* identifiersOf({ mark, flowRun }: Pick<Submission, "mark" | "flowRun">): Generator<string> {
  let { identifier } = mark;
  yield identifier;
  for (let names = 1; names < NAMES; names++) {
    identifier = otherIdentifier(identifier, flowRun.id);
    yield identifier;
  }
}

/** The part of a context that all claims of a place share. */
export function scopeRecord(scope: string): Readonly<Record<string, unknown>> {
  return { [CLAIM_KEY]: { scope } };
}
