// When a run's Dask clusters go with what is decided on it.

import { known } from "./decisions.ts";
import { isDone } from "../../../src/orchestrator/flow-run.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import { mustDeleteDask } from "../../../src/job/decide/dask.ts";
import type { PendingActions } from "../../../src/job/decide/dask.ts";
import type { JobPhase } from "../../../src/job/observe/phase.ts";

const live: JobPhase = { kind: "live", started: true };
const done: JobPhase = { kind: "succeeded", endedAt: undefined };
const failed: JobPhase = {
  kind: "failed",
  problem: { reason: "ExitCode", message: "exited with code 1" },
  endedAt: undefined,
};

interface Row {
  readonly name: string;
  readonly run: RunStatus;
  readonly transition?: PendingActions["transition"];
  readonly deletedPhases?: readonly JobPhase[];
  readonly want: boolean;
}

const ROWS: readonly Row[] = [
  {
    name: "failed",
    run: known("Running"),
    transition: { kind: "fail", message: "", onlyWithReport: false },
    want: true,
  },
  {
    name: "rescheduled",
    run: known("Running"),
    transition: { kind: "reschedule", message: "", job: "a" },
    want: true,
  },
  {
    name: "said to be Cancelled",
    run: known("Cancelling"),
    transition: { kind: "cancelled", message: "" },
    want: true,
  },
  { name: "cancelled, and its Job goes", run: known("Cancelled"), deletedPhases: [done], want: true },
  { name: "cancelled, and its Job has its grace", run: known("Cancelling"), deletedPhases: [], want: false },
  { name: "deleted, and its Job goes", run: { kind: "missing" }, deletedPhases: [live], want: true },
  { name: "over, and its hanging Job goes", run: known("Success"), deletedPhases: [live], want: true },
  { name: "over, and its failed Job goes", run: known("Failed"), deletedPhases: [failed], want: true },
  { name: "over by itself", run: known("Failed"), deletedPhases: [done], want: false },
  { name: "at work with another Job", run: known("Running"), deletedPhases: [failed], want: false },
  { name: "not known", run: { kind: "unknown" }, deletedPhases: [failed], want: false },
];

describe("the Dask clusters of a run", () => {
  it.each(ROWS)("that is $name: $want", ({ run, transition, deletedPhases = [], want }) => {
    expect(mustDeleteDask({ run, transition, deletedPhases })).toBe(want);
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
