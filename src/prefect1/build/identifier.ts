// The identifier of a Job is derived from the claimed run, so that one submission cannot create two Jobs.

import { hash } from "node:crypto";
import type { FlowRun } from "../flow-run.ts";

/**
 * Eight lower-case hex digits, derived from the flow run's id and state version; for a Running run also from its waiting
 * task runs, since retries of task runs do not change the flow run's version.
 */
export function jobIdentifier(flowRun: FlowRun): string {
  const tasks =
    flowRun.state === "Running" ? flowRun.task_runs.map(({ id, version }) => `${id}@${version}`) : [];
  return shortHash([`${flowRun.id}@${flowRun.version}`, ...tasks.sort()]);
}

/** The Job of another run can have the same eight digits; two such collisions in a row do not happen. */
const MAX_IDENTIFIERS = 3;

/** The identifiers that the Job of a submission can have: its own, then the alternatives in case another run's Job has it. */
export function identifiersOf(identifier: string, flowRunId: string): readonly string[] {
  const identifiers = [identifier];
  while (identifiers.length < MAX_IDENTIFIERS)
    identifiers.push(shortHash([flowRunId, identifiers.at(-1) ?? ""]));
  return identifiers;
}

function shortHash(parts: readonly string[]): string {
  return hash("sha256", parts.join("\n"), "hex").slice(0, 8);
}
