// Which Job an active state belongs to, where the state itself does not tell: a claim may have adopted an older Job, and a
// Running run may have been launched elsewhere since.

import { IDENTIFIER_LABEL } from "../../job/labels.ts";
import { createdMs, hasCondition, type ObservedJob, type ObservedRun } from "../../job/observe/observed.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import { comparePlaces, type Place } from "../../orchestrator/place.ts";
import type { RunReporter } from "../../orchestrator/run-reporter.ts";
import { ADOPTED } from "../run-log.ts";

interface LaunchDeps {
  readonly runs: Pick<RunReporter, "messagesContaining" | "lastClaim">;
  readonly settings: { readonly place: Place };
}

/** A pending run's claim names the Jobs that it has adopted, too. Reads the log only if one of these Jobs is another's. */
export async function withAdopted(
  { runs }: LaunchDeps,
  run: RunStatus,
  { flowRunId, jobs }: ObservedRun,
): Promise<RunStatus> {
  const claim = run.kind === "known" && run.state.type === "pending" ? run.state.claim : undefined;
  if (run.kind !== "known" || claim === undefined) return run;
  // One that completed, and has not started the flow, is followed by another.
  const others = jobs.filter(
    (each) =>
      !claim.identifiers.includes(identifierOf(each) ?? "") && !hasCondition(each.job.status, "Complete"),
  );
  if (others.length === 0) return run;
  const lines = await runs.messagesContaining(flowRunId, [ADOPTED]);
  const adopted = others.filter(({ job }) =>
    lines.some((line) => line.startsWith(`${ADOPTED}${job.metadata.name},`) && isOf(line, claim.identifiers)),
  );
  const identifiers = [...claim.identifiers, ...adopted.flatMap((job) => identifierOf(job) ?? [])];
  return { ...run, state: { ...run.state, claim: { ...claim, identifiers } } };
}

/** With the claim of a Running run that was launched elsewhere after all its Jobs here were made. */
export async function withLaunchElsewhere(
  { runs, settings }: LaunchDeps,
  run: RunStatus,
  { flowRunId, jobs }: ObservedRun,
): Promise<RunStatus> {
  if (run.kind !== "known" || run.state.type !== "running") return run;
  const last = await runs.lastClaim(flowRunId);
  if (last === undefined || comparePlaces(last.claim.place, settings.place) !== "other") return run;
  const isLast = jobs.every(({ job }) => createdMs(job) < last.at.getTime());
  return isLast ? { ...run, state: { ...run.state, claim: last.claim } } : run;
}

function isOf(line: string, identifiers: readonly string[]): boolean {
  return identifiers.some((identifier) => line.endsWith(`-${identifier})`));
}

function identifierOf({ job }: ObservedJob): string | undefined {
  return job.metadata.labels?.[IDENTIFIER_LABEL];
}
