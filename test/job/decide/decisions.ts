// Helpers that make decisions and summarise them for tests.

import { runStateOf } from "../../../src/prefect1/run-state.ts";
import type { DecideInput, Decision } from "../../../src/job/decide/types.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { decide } from "../../../src/job/decide/decide.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { at, observedRun, observedJob, RUN_ID } from "../observed-jobs.ts";

export function known(type: string, more: { context?: JsonObject; updated?: Date } = {}): RunStatus {
  const { context = {}, updated } = more;
  return {
    kind: "known",
    state: runStateOf({ id: RUN_ID, version: 1, serialized_state: { type, context } }, updated),
  };
}

export interface Given {
  readonly jobs?: readonly Partial<ObservedJob>[];
  readonly run?: RunStatus;
  readonly policy?: Partial<Policy>;
  readonly seconds?: number;
  readonly place?: DecideInput["place"];
  readonly firstObserved?: DecideInput["firstObserved"];
}

export function decisionOf({
  jobs = [{}],
  run = known("Running"),
  policy,
  seconds = 61,
  place,
  firstObserved = new Map(),
}: Given): Decision {
  return decide({
    observed: observedRun(...jobs.map((job) => observedJob(job))),
    run,
    policy: { ...DEFAULT_POLICY, ...policy },
    place,
    now: at(seconds),
    firstObserved,
  });
}

/** The decisions at these times, in seconds; each has the `firstObserved` of the one before. */
export function decisionsAt(times: readonly number[], given: (seconds: number) => Given): Decision[] {
  let firstObserved: DecideInput["firstObserved"] = new Map();
  return times.map((seconds) => {
    const decision = decisionOf({ ...given(seconds), seconds, firstObserved });
    firstObserved = decision.firstObserved;
    return decision;
  });
}

/** A summary of the decision: the levels of its log entries, its transition, and how many Jobs it deletes. */
export function actions({ logs, transition, deletions }: Decision): string {
  const parts = [
    ...logs.map(({ level }) => level),
    transition?.kind,
    deletions.length > 0 ? `delete ${deletions.length}` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}
