// Opinions: what one Job asks for, by its outlook, while its flow run is not being cancelled, is not over and exists.

import type { Case, Opinion, Sighting } from "./job-context.ts";
import { isRunAlive, msSince, saying, sighting } from "./job-context.ts";
import { disruptedOpinion, failedOpinion, retention } from "./failed.ts";
import type { FailedOutlook, Outlook } from "../observe/phase.ts";
import type { Trouble } from "../observe/problem.ts";
import type { Saying } from "./decide.ts";

/** Time enough for a failed Job's pod to be heard of. */
const EXPLAINED_WITHIN_MS = 2_000;

/** What the Job asks for by itself. */
export function ownOpinion(subject: Case): Opinion {
  const { outlook } = subject;
  switch (outlook.kind) {
    case "live":
      return liveOpinion(subject, outlook);
    case "suspended":
      return { word: "active", why: "suspended", heartbeat: true };
    case "pending":
      return pendingOpinion(subject, outlook.trouble);
    case "stuck":
      return stuckOpinion(subject, outlook.trouble, outlook.atOnce);
    case "lingering":
      return lingeringOpinion(subject, outlook.endedAt);
    case "succeeded":
      return succeededOpinion(subject, outlook.endedAt);
    case "failed":
      return guess(subject, outlook) ?? failedOpinion(subject, outlook.trouble, outlook.endedAt);
    case "disrupted":
      return disruptedOpinion(subject, outlook.trouble, outlook.endedAt);
    case "deleted":
      return failedOpinion(subject, outlook.trouble, undefined);
  }
}

/** Kubernetes tells of Jobs and of pods in streams of their own; the one that knows why may be behind the one that knows that. */
function guess(subject: Case, { isGuess, endedAt, trouble }: FailedOutlook): Opinion | undefined {
  if (isGuess !== true) return undefined;
  const sighted = sighting(subject, "ended", endedAt);
  const leftMs = EXPLAINED_WITHIN_MS - msSince(subject, sighted.since);
  return leftMs > 0 ? { word: "failed", why: trouble.summary, lookAgainInMs: leftMs, sighted } : undefined;
}

function liveOpinion(subject: Case, outlook: Outlook & { readonly kind: "live" }): Opinion {
  const why = outlook.started ? "running" : "starting";
  return { word: "active", why, heartbeat: !outlook.started, sighted: crashes(subject, outlook.restartedAt) };
}

/** A container that crashes again and again runs in between: its grace does not begin anew each time. */
function crashes(subject: Case, restartedAt: Date | undefined): Sighting | undefined {
  const { sightings, policy } = subject.input;
  const seen = sighting(subject, "stuck");
  if (restartedAt === undefined || !sightings.has(seen.key)) return undefined;
  return msSince(subject, restartedAt) < policy.startGraceMs ? seen : undefined;
}

function pendingOpinion(subject: Case, trouble: Trouble): Opinion {
  const { pendingTimeoutMs, pendingWarnMs } = subject.input.policy;
  const sighted = sighting(subject, trouble.code);
  const waitedMs = msSince(subject, sighted.since);
  if (pendingTimeoutMs !== undefined && waitedMs >= pendingTimeoutMs)
    return { ...failedOpinion(subject, trouble, sighted.since), sighted };
  const name = subject.print.job.metadata.name;
  // Once for each thing that it waits for; what follows the colon is the scheduler's or the quota's, with numbers that change.
  const [head = ""] = trouble.summary.split(": ");
  const words = { message: `Job ${name} waits: ${trouble.summary}`, mark: `Job ${name} waits: ${head}` };
  const ahead = [pendingWarnMs, pendingTimeoutMs ?? 0].filter((ms) => ms > waitedMs);
  return {
    word: "pending",
    why: trouble.summary,
    say: waitedMs >= pendingWarnMs ? [saying(subject, "WARNING", words)] : [],
    heartbeat: true,
    lookAgainInMs: ahead.length === 0 ? undefined : Math.min(...ahead) - waitedMs,
    sighted,
  };
}

function stuckOpinion(subject: Case, trouble: Trouble, atOnce: boolean): Opinion {
  const sighted = sighting(subject, "stuck");
  const graceMs = atOnce ? 0 : subject.input.policy.startGraceMs;
  const leftMs = graceMs - msSince(subject, sighted.since);
  if (leftMs > 0)
    return { word: "stuck", why: trouble.summary, heartbeat: true, lookAgainInMs: leftMs, sighted };
  return { ...failedOpinion(subject, trouble, sighted.since), word: "stuck", sighted };
}

function lingeringOpinion(subject: Case, endedAt: Date | undefined): Opinion {
  const sighted = sighting(subject, "lingering", endedAt);
  const leftMs = subject.input.policy.lingerMs - msSince(subject, sighted.since);
  const why = "the flow's container ended, another one keeps the pod";
  if (leftMs > 0) return { word: "active", why, lookAgainInMs: leftMs, sighted };
  return { word: "finished", why, say: exitSayings(subject), remove: { inMs: 0, why }, sighted };
}

function succeededOpinion(subject: Case, endedAt: Date | undefined): Opinion {
  const sighted = sighting(subject, "exited");
  const why = "its Job completed";
  const leftMs = isRunAlive(subject) ? subject.input.policy.exitGraceMs - msSince(subject, sighted.since) : 0;
  if (leftMs > 0) return { word: "finished", why, lookAgainInMs: leftMs, sighted };
  const afterMs = subject.input.policy.deleteSucceededAfterMs;
  const remove = retention(subject, { afterMs, endedAt: endedAt ?? sighted.since, why });
  return { word: "finished", why, say: exitSayings(subject), remove, sighted };
}

/** Exit code 0 says only that Prefect's process ended well; a run that is not over then waits for Prefect's services. */
function exitSayings(subject: Case): Saying[] {
  const { run } = subject.input;
  if (run.kind !== "known" || !isRunAlive(subject) || subject.otherLive || subject.stateOf !== "this")
    return [];
  const { type } = run.state;
  const head = `Job ${subject.print.job.metadata.name} completed with exit code 0`;
  const question = type === "Submitted" ? " Does its container run 'prefect execute flow-run'?" : "";
  const message = `${head}, but the flow run is still ${type}.${question} Prefect's own services will look after the run.`;
  return [saying(subject, "WARNING", { message, mark: head })];
}
