// Inventory: what Prefect knows of a run that has no Job here: why nobody takes it, and the errors in its log.

import { isFailed } from "../orchestrator/flow-run.ts";
import { logPages } from "../orchestrator/run-directory.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectFindings } from "./diagnosis.ts";
import type { InventoryRun } from "./inventory.ts";
import { waitReason } from "./waiting.ts";

const ERRORS = 3;

/** Throws PrefectError. */
export async function askPrefect(
  { flowRunId: id, status, observed }: InventoryRun,
  directory: RunDirectory | undefined,
  { now, signal }: { readonly now: Date; readonly signal: AbortSignal },
): Promise<PrefectFindings> {
  if (directory === undefined || status.kind !== "known" || observed.jobs.length > 0) return {};
  const { type, dueAt } = status.state;
  if (type === "scheduled" && (dueAt === undefined || dueAt <= now)) {
    const agents = await directory.agents(signal);
    return agents === undefined ? {} : { waits: waitReason(status.labels ?? [], agents, now) };
  }
  if (!isFailed(type)) return {};
  const errors: string[] = [];
  for await (const page of logPages(directory, { id, errorsOnly: true, tail: ERRORS }, signal))
    errors.push(...page.map(({ message }) => message.trimEnd()));
  return { errors };
}
