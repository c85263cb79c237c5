// A Job's identifier, derived from what was claimed, so that the same submission can never make two Jobs.

import { hash } from "node:crypto";
import type { FlowRun } from "../flow-run.ts";

/** What of a flow run makes a submission the one it is. */
export type Submitted = Pick<FlowRun, "id" | "version" | "state"> & {
  readonly task_runs: readonly { readonly id: string; readonly version: number }[];
};

/**
 * Eight lower-case hex digits, the same for the same flow run at the same state version; for a Running run also of
 * the task runs that wait, since retries of tasks leave the flow run's version alone.
 */
export function jobIdentifier(flowRun: Submitted): string {
  const tasks =
    flowRun.state === "Running" ? flowRun.task_runs.map(({ id, version }) => `${id}@${version}`) : [];
  return digits([`${flowRun.id}@${flowRun.version}`, ...tasks.sort()]);
}

/** Eight hex digits can meet another run's Job; a third meeting in a row is beyond belief. */
const NAMES = 3;

/** The identifiers under which the Job of a submission may exist: its own, else those taken because another run's Job had it. */
export function identifiersOf(identifier: string, flowRunId: string): readonly string[] {
  const names = [identifier];
  while (names.length < NAMES) names.push(digits([flowRunId, names.at(-1) ?? ""]));
  return names;
}

function digits(parts: readonly string[]): string {
  return hash("sha256", parts.join("\n"), "hex").slice(0, 8);
}
