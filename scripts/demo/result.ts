// The results of the demo's flow runs, and how they differ from the expected ones. Pure.

import type { Column } from "../../src/output/table.ts";
import { oneLine } from "../../src/job/observe/problem.ts";
import { cutToWidth } from "../../src/output/text-width.ts";
import type { Scenario } from "./scenarios.ts";

/** A flow run at the end of the demo. */
export interface RunResult {
  readonly scenario: Scenario;
  /** The state's type. */
  readonly state: string;
  readonly message: string;
  /** The messages in its log. */
  readonly log: readonly string[];
  /** Names of all Jobs that it ever had. */
  readonly jobsMade: readonly string[];
  /** Names of its remaining Jobs. */
  readonly jobsLeft: readonly string[];
  /** When it was due, and when its first Job was observed. */
  readonly dueAt: Date;
  readonly firstJobAt: Date | undefined;
}

const REASON_WIDTH = 90;
/** Tolerance for two clocks. Job creation times have whole seconds, so the time of observation is compared. */
const CLOCK_TOLERANCE_MS = 50;

/** Differences from the expected result; empty if there are none. */
export function problemsOf(result: RunResult): readonly string[] {
  const { scenario, state, message, log, jobsMade, jobsLeft } = result;
  const { expect } = scenario;
  const problems: string[] = [];
  if (state !== expect.state) problems.push(`is ${state}, not ${expect.state}`);
  else if (!expect.message.test(message))
    problems.push(`is ${state} for another reason: ${oneLine(message)}`);
  const { logged } = expect;
  if (logged !== undefined && !log.some((line) => line.includes(logged)))
    problems.push(`has no "${logged}" in its log`);
  if (jobsMade.length !== 1) problems.push(`had ${jobsMade.length} Jobs, not one`);
  if (jobsLeft.length > 0) problems.push(`has Jobs left: ${jobsLeft.join(", ")}`);
  if (
    result.firstJobAt !== undefined &&
    result.firstJobAt.getTime() < result.dueAt.getTime() - CLOCK_TOLERANCE_MS
  )
    problems.push("had its Job before it was due");
  return problems.map((problem) => `${scenario.name} ${problem}`);
}

/** The columns of the closing table. */
export const RESULT_COLUMNS: readonly Column<RunResult>[] = [
  { header: "RUN", value: ({ scenario }) => scenario.name },
  { header: "STATE", value: ({ state }) => state, colour: toneOf },
  { header: "JOBS LEFT", value: ({ jobsLeft }) => jobsLeft.length },
  { header: "REASON", value: ({ message }) => cutToWidth(oneLine(message), REASON_WIDTH) },
];

function toneOf(result: RunResult): "good" | "bad" {
  return problemsOf(result).length === 0 ? "good" : "bad";
}

/** The last line of the output. */
export function closingLine(results: readonly RunResult[], tookMs: number): string {
  const asExpected = results.filter((each) => problemsOf(each).length === 0).length;
  const left = results.flatMap(({ jobsLeft }) => jobsLeft).length;
  const jobs = left === 0 ? "no Job is left" : `${left} Jobs are left`;
  return `${asExpected} of ${results.length} flow runs ended as expected in ${(tookMs / 1_000).toFixed(1)} s; ${jobs}.`;
}
