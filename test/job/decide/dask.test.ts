// When a run's Dask clusters go with what is decided on it.

import { describe, expect, it } from "vitest";
import { isDone, leavesDask } from "../../../src/job/decide/dask.ts";
import type { Event } from "../../../src/job/decide/dask.ts";
import type { JobPhase } from "../../../src/job/observe/phase.ts";
import type { RunView } from "../../../src/job/decide/decide.ts";

const known = (type: string): RunView => ({ kind: "known", state: { type } });
const live: JobPhase = { kind: "live", started: true };
const done: JobPhase = { kind: "succeeded", endedAt: undefined };
const failed: JobPhase = {
  kind: "failed",
  problem: { reason: "ExitCode", message: "exited with code 1" },
  endedAt: undefined,
};

interface Row {
  readonly name: string;
  readonly run: RunView;
  readonly settle?: Event["settle"];
  readonly leaving?: readonly JobPhase[];
  readonly want: boolean;
}

const ROWS: readonly Row[] = [
  {
    name: "failed",
    run: known("Running"),
    settle: { kind: "fail", message: "", onlyWithReport: false },
    want: true,
  },
  {
    name: "rescheduled",
    run: known("Running"),
    settle: { kind: "reschedule", message: "", job: "a" },
    want: true,
  },
  {
    name: "said to be Cancelled",
    run: known("Cancelling"),
    settle: { kind: "cancelled", message: "" },
    want: true,
  },
  { name: "cancelled, and its Job goes", run: known("Cancelled"), leaving: [done], want: true },
  { name: "cancelled, and its Job has its grace", run: known("Cancelling"), leaving: [], want: false },
  { name: "deleted, and its Job goes", run: { kind: "missing" }, leaving: [live], want: true },
  { name: "over, and its hanging Job goes", run: known("Success"), leaving: [live], want: true },
  { name: "over, and its failed Job goes", run: known("Failed"), leaving: [failed], want: true },
  { name: "over by itself", run: known("Failed"), leaving: [done], want: false },
  { name: "at work with another Job", run: known("Running"), leaving: [failed], want: false },
  { name: "not known", run: { kind: "unknown" }, leaving: [failed], want: false },
];

describe("the Dask clusters of a run", () => {
  it.each(ROWS)("that is $name: $want", ({ run, settle, leaving = [], want }) => {
    expect(leavesDask({ run, settle, leaving })).toBe(want);
  });
});

describe("a run is done", () => {
  it.each([
    ["Cancelling", true],
    ["Cancelled", true],
    ["Success", true],
    ["TriggerFailed", true],
    ["Running", false],
    ["Scheduled", false],
  ])("when it is %s: %s", (type, want) => {
    expect(isDone(known(type))).toBe(want);
  });
});
