// A Job's identifier, derived from what was claimed, so that the same submission can never make two Jobs.

import { hash } from "node:crypto";
import type { FlowRun } from "../flow-run.ts";

/** What of a flow run makes a submission the one it is. */
export type Submission = Pick<FlowRun, "id" | "version" | "state"> & {
  readonly task_runs: readonly { readonly id: string; readonly version: number }[];
};

/**
 * Eight lower-case hex digits, the same for the same flow run at the same state version; for a Running run also of
 * the task runs that wait, since retries of tasks leave the flow run's version alone.
 */
export function jobIdentifier(flowRun: Submission): string {
  const tasks =
    flowRun.state === "Running" ? flowRun.task_runs.map(({ id, version }) => `${id}@${version}`) : [];
  return digits([`${flowRun.id}@${flowRun.version}`, ...tasks.sort()]);
}

/** What to take when another run's Job has the identifier; again the same for the same submission. */
export function otherIdentifier(taken: string, flowRunId: string): string {
  return digits([flowRunId, taken]);
}

function digits(parts: readonly string[]): string {
  return hash("sha256", parts.join("\n"), "hex").slice(0, 8);
}
