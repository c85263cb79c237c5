// Verdicts in short, and one after the other, for the tests of them.

import type { JobPrint } from "../../../src/job/observe/observed.ts";
import type { JudgeInput, Policy, RunView, Verdict } from "../../../src/job/decide/decide.ts";
import { DEFAULT_POLICY, judge } from "../../../src/job/decide/decide.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { at, footprint, print } from "../observed-jobs.ts";

export function known(type: string, more: { context?: JsonObject; updated?: Date } = {}): RunView {
  const { context = {}, updated } = more;
  return { kind: "known", state: { type, context }, updated };
}

export interface Given {
  readonly jobs?: readonly Partial<JobPrint>[];
  readonly run?: RunView;
  readonly policy?: Partial<Policy>;
  readonly seconds?: number;
  readonly sightings?: JudgeInput["sightings"];
}

export function verdictOf({
  jobs = [{}],
  run = known("Running"),
  policy,
  seconds = 61,
  sightings = new Map(),
}: Given): Verdict {
  return judge({
    footprint: footprint(...jobs.map((each) => print(each))),
    run,
    policy: { ...DEFAULT_POLICY, ...policy },
    now: at(seconds),
    sightings,
  });
}

/** The verdicts at these moments, each told what the one before had seen. */
export function verdictsAt(moments: readonly number[], given: (seconds: number) => Given): Verdict[] {
  let sightings: JudgeInput["sightings"] = new Map();
  return moments.map((seconds) => {
    const verdict = verdictOf({ ...given(seconds), seconds, sightings });
    sightings = verdict.sighted;
    return verdict;
  });
}

/** What would be done, in short: levels of what is said, the settlement, how many Jobs go. */
export function deeds({ say, settle, remove }: Verdict): string {
  const words = [
    ...say.map(({ level }) => level),
    settle?.kind,
    remove.length > 0 ? `remove ${remove.length}` : undefined,
  ];
  return words.filter((word) => word !== undefined).join(", ");
}
