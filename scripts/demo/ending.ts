// Endings: how each flow run of the demo ended, and what of it is not as it should be. Pure.

import type { Column } from "../../src/output/table.ts";
import { oneLine } from "../../src/job/observe/problem.ts";
import { cutToWidth } from "../../src/output/text-width.ts";
import type { Role } from "./scenarios.ts";

/** What is known of a flow run at the end. */
export interface Facts {
  readonly role: Role;
  /** The state's type. */
  readonly state: string;
  readonly message: string;
  /** Messages of its log. */
  readonly log: readonly string[];
  /** Names of all Jobs that it ever had. */
  readonly jobsMade: readonly string[];
  /** Names of its Jobs that stand. */
  readonly jobsLeft: readonly string[];
  /** When it was due, and when its first Job was seen. */
  readonly dueAt: Date;
  readonly firstJobAt: Date | undefined;
}

const WHY_WIDTH = 90;
/** A Job's creation time is written in whole seconds, so what is seen is compared, with room for two clocks. */
const CLOCKS_MS = 50;

/** What went otherwise than it should; empty when all is well. */
export function problemsOf(facts: Facts): readonly string[] {
  const { role, state, message, log, jobsMade, jobsLeft } = facts;
  const { expect } = role;
  const problems: string[] = [];
  if (state !== expect.state) problems.push(`is ${state}, not ${expect.state}`);
  else if (!expect.message.test(message))
    problems.push(`is ${state} for another reason: ${oneLine(message)}`);
  const { logged } = expect;
  if (logged !== undefined && !log.some((line) => line.includes(logged)))
    problems.push(`has no "${logged}" in its log`);
  if (jobsMade.length !== 1) problems.push(`had ${jobsMade.length} Jobs, not one`);
  if (jobsLeft.length > 0) problems.push(`has Jobs left: ${jobsLeft.join(", ")}`);
  if (facts.firstJobAt !== undefined && facts.firstJobAt.getTime() < facts.dueAt.getTime() - CLOCKS_MS)
    problems.push("had its Job before it was due");
  return problems.map((problem) => `${role.name} ${problem}`);
}

/** The closing table: how it ended, and whether that is how it should. */
export const ENDING_COLUMNS: readonly Column<Facts>[] = [
  { header: "RUN", value: ({ role }) => role.name },
  { header: "STATE", value: ({ state }) => state, colour: toneOf },
  { header: "JOBS LEFT", value: ({ jobsLeft }) => jobsLeft.length },
  { header: "WHY", value: ({ message }) => cutToWidth(oneLine(message), WHY_WIDTH) },
];

function toneOf(facts: Facts): "good" | "bad" {
  return problemsOf(facts).length === 0 ? "good" : "bad";
}

/** The last sentence. */
export function closingLine(facts: readonly Facts[], tookMs: number): string {
  const well = facts.filter((each) => problemsOf(each).length === 0).length;
  const left = facts.flatMap(({ jobsLeft }) => jobsLeft).length;
  const jobs = left === 0 ? "no Job is left" : `${left} Jobs are left`;
  return `${well} of ${facts.length} flow runs ended as they should in ${(tookMs / 1_000).toFixed(1)} s; ${jobs}.`;
}
