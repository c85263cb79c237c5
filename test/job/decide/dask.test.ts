// When a decision deletes the run's Dask clusters.

import { at, failedPod, job, over } from "../observed-jobs.ts";
import { decisionsAt, known } from "./decisions.ts";
import { isDone } from "../../../src/orchestrator/flow-run.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import { mustDeleteDask } from "../../../src/job/decide/decide.ts";
import type { Transition } from "../../../src/job/decide/types.ts";
import type { JobPhase } from "../../../src/job/observe/phase.ts";

const live: JobPhase = { kind: "live", started: true };
const succeeded: JobPhase = { kind: "succeeded", endedAt: undefined };
const failed: JobPhase = {
  kind: "failed",
  problem: { reason: "ExitCode", message: "exited with code 1" },
  endedAt: undefined,
};

interface Row {
  readonly name: string;
  readonly run: RunStatus;
  readonly transition?: Transition | undefined;
  readonly deletedPhases?: readonly JobPhase[];
  readonly want: boolean;
}

const ROWS: readonly Row[] = [
  {
    name: "set to Failed",
    run: known("Running"),
    transition: { kind: "fail", message: "" },
    want: true,
  },
  {
    name: "rescheduled",
    run: known("Running"),
    transition: { kind: "reschedule", message: "", job: "a", minDelayMs: 0 },
    want: true,
  },
  {
    name: "set to Cancelled",
    run: known("Cancelling"),
    transition: { kind: "cancelled", message: "" },
    want: true,
  },
  {
    name: "cancelled, and its Job is deleted",
    run: known("Cancelled"),
    deletedPhases: [succeeded],
    want: true,
  },
  {
    name: "cancelled, and its Job is within its grace",
    run: known("Cancelling"),
    deletedPhases: [],
    want: false,
  },
  { name: "missing, and its Job is deleted", run: { kind: "missing" }, deletedPhases: [live], want: true },
  { name: "over, and its running Job is deleted", run: known("Success"), deletedPhases: [live], want: true },
  { name: "over, and its failed Job is deleted", run: known("Failed"), deletedPhases: [failed], want: true },
  {
    name: "over, and its succeeded Job is deleted",
    run: known("Failed"),
    deletedPhases: [succeeded],
    want: false,
  },
  { name: "running with another Job", run: known("Running"), deletedPhases: [failed], want: false },
  { name: "unknown", run: { kind: "unknown" }, deletedPhases: [failed], want: false },
];

describe("mustDeleteDask", () => {
  it.each(ROWS)("for a run that is $name: $want", ({ run, transition, deletedPhases = [], want }) => {
    expect(mustDeleteDask(run, transition, deletedPhases)).toBe(want);
  });
});

describe("isDone", () => {
  it.each([
    ["Cancelling", true],
    ["Cancelled", true],
    ["Success", true],
    ["TriggerFailed", true],
    ["Running", false],
    ["Scheduled", false],
  ])("for a run that is %s: %s", (type, want) => {
    expect(isDone(known(type))).toBe(want);
  });
});

describe("the Dask clusters of a cancelled run", () => {
  const keptFor = { deleteFailedAfterMs: 86_400_000 };
  const failedJob = { job: job({}, { status: over("1.35", "failed") }), pods: [failedPod()] };
  const run = known("Cancelled", { updated: at(60) });

  it.each([
    { name: "whose Job is kept for a day", jobs: [failedJob] },
    { name: "whose Job is gone", jobs: [{ ...failedJob, gone: true, pods: [] }] },
  ])("$name go when the cancel grace is over", ({ jobs }) => {
    const decisions = decisionsAt([61, 119, 120], () => ({ jobs, run, policy: keptFor }));
    expect(decisions.map(({ deleteDask }) => deleteDask)).toEqual([false, false, true]);
    expect(decisions[1]?.requeueAfterMs).toBe(1_000);
  });
});
