// Decisions in short, and one after the other, for the tests of them.

import { runStateOf } from "../../../src/prefect1/run-state.ts";
import type { DecideInput, Decision } from "../../../src/job/decide/types.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { decide } from "../../../src/job/decide/decide.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { at, observed, print, RUN_ID } from "../observed-jobs.ts";

export function known(type: string, more: { context?: JsonObject; updated?: Date } = {}): RunStatus {
  const { context = {}, updated } = more;
  return { kind: "known", state: runStateOf({ id: RUN_ID, version: 1, state: { type, context }, updated }) };
}

export interface Given {
  readonly jobs?: readonly Partial<ObservedJob>[];
  readonly run?: RunStatus;
  readonly policy?: Partial<Policy>;
  readonly seconds?: number;
  readonly firstObserved?: DecideInput["firstObserved"];
}

export function decisionOf({
  jobs = [{}],
  run = known("Running"),
  policy,
  seconds = 61,
  firstObserved = new Map(),
}: Given): Decision {
  return decide({
    observed: observed(...jobs.map((each) => print(each))),
    run,
    policy: { ...DEFAULT_POLICY, ...policy },
    now: at(seconds),
    firstObserved,
  });
}

/** The decisions at these moments, each told what the one before had seen. */
export function decisionsAt(moments: readonly number[], given: (seconds: number) => Given): Decision[] {
  let firstObserved: DecideInput["firstObserved"] = new Map();
  return moments.map((seconds) => {
    const decision = decisionOf({ ...given(seconds), seconds, firstObserved });
    firstObserved = decision.firstObserved;
    return decision;
  });
}

/** What would be done, in short: levels of what is said, the transition, how many Jobs go. */
export function actions({ logs: say, transition: settle, deletions: remove }: Decision): string {
  const words = [
    ...say.map(({ level }) => level),
    settle?.kind,
    remove.length > 0 ? `remove ${remove.length}` : undefined,
  ];
  return words.filter((word) => word !== undefined).join(", ");
}
