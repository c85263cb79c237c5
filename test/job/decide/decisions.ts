// Decisions in short, and one after the other, for the tests of them.

import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import type { DecideInput, Policy, RunView, Decision } from "../../../src/job/decide/decide.ts";
import { DEFAULT_POLICY, decide } from "../../../src/job/decide/decide.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { at, observed, print } from "../observed-jobs.ts";

export function known(type: string, more: { context?: JsonObject; updated?: Date } = {}): RunView {
  const { context = {}, updated } = more;
  return { kind: "known", state: { type, context }, updated };
}

export interface Given {
  readonly jobs?: readonly Partial<ObservedJob>[];
  readonly run?: RunView;
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
