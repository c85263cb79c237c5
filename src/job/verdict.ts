// Verdict: what is to be said, settled and removed for one flow run, as data. Pure: the same footprint, run and time
// give the same verdict, in the agent, in `inspect` and in tests. Carrying it out is supervise/carry-out.ts.

import { lastSeenAt } from "../kube/objects.ts";
import type { RunLogLevel } from "../prefect/api.ts";
import type { State } from "../prefect/state.ts";
import { isAlive, isFinished, isSuccessful } from "../prefect/state.ts";
import type { Footprint, JobPrint } from "./footprint.ts";
import { eventsOf } from "./footprint.ts";
import { isKept } from "./labels.ts";
import type { Outlook } from "./outlook.ts";
import { isLive, outlookOf } from "./outlook.ts";
import { postMortem } from "./post-mortem.ts";
import type { Trouble } from "./trouble.ts";

/** How patient we are, in milliseconds; undefined: never. */
export interface Policy {
  readonly startGraceMs: number;
  readonly pendingTimeoutMs: number | undefined;
  readonly pendingWarnMs: number;
  readonly onDisruption: "fail" | "retry";
  readonly cancelGraceMs: number;
  /** How long a run may stay Submitted or Running after its Job exited with 0. */
  readonly exitGraceMs: number;
  /** How long other containers may outlive the flow's. */
  readonly lingerMs: number;
  readonly deleteSucceededAfterMs: number | undefined;
  readonly deleteFailedAfterMs: number | undefined;
}

export const DEFAULT_POLICY: Policy = {
  startGraceMs: 30_000,
  pendingTimeoutMs: undefined,
  pendingWarnMs: 60_000,
  onDisruption: "fail",
  cancelGraceMs: 60_000,
  exitGraceMs: 10_000,
  lingerMs: 60_000,
  deleteSucceededAfterMs: 0,
  deleteFailedAfterMs: 0,
};

/** What Prefect says of the run: its state, that there is no such run, or nothing (not asked, or no API). */
export type RunView =
  | { readonly kind: "known"; readonly state: State; readonly updated?: Date | undefined }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown" };

export interface JudgeInput {
  readonly footprint: Footprint;
  readonly run: RunView;
  readonly policy: Policy;
  readonly now: Date;
  /** Since when each trouble is seen; from the verdict before. */
  readonly sightings: ReadonlyMap<string, Date>;
}

export interface Saying {
  readonly name: "k8s-infra";
  readonly level: RunLogLevel;
  readonly message: string;
  readonly timestamp?: Date | undefined;
  /** Whose last log lines belong under the message. */
  readonly tailOf?: { readonly pod: string; readonly container: string | undefined } | undefined;
  /** The Job it is about. */
  readonly job: string;
}

export type Settlement =
  | { readonly kind: "fail"; readonly message: string }
  | { readonly kind: "reschedule"; readonly message: string }
  | { readonly kind: "cancelled"; readonly message: string };

export interface Removal {
  readonly job: JobPrint["job"];
  readonly why: string;
}

export interface Verdict {
  /** One word and one line for tables: active, pending, stuck, failed, finished, orphaned, cancelled. */
  readonly word: string;
  readonly why: string;
  readonly say: readonly Saying[];
  readonly settle?: Settlement | undefined;
  readonly remove: readonly Removal[];
  /** The Job legitimately waits: keep Lazarus from starting the run a second time. */
  readonly heartbeat: boolean;
  readonly lookAgainInMs?: number | undefined;
  /** Keys of what is seen now; whoever judges next passes them with the time of their first sighting. */
  readonly sighted: readonly string[];
}

interface Opinion {
  readonly word: string;
  readonly why: string;
  readonly say?: readonly Saying[];
  readonly settle?: Settlement | undefined;
  readonly remove?: { readonly inMs: number; readonly why: string } | undefined;
  readonly heartbeat?: boolean;
  readonly lookAgainInMs?: number | undefined;
  readonly sighted?: string;
}

interface Case {
  readonly print: JobPrint;
  readonly outlook: Outlook;
  readonly input: JudgeInput;
  /** Another Job of the run is in good order. */
  readonly otherLive: boolean;
}

/** The verdict on a flow run's footprint. */
export function judge(input: JudgeInput): Verdict {
  const outlooks = input.footprint.jobs.map((print) => ({ print, outlook: outlookOf(print) }));
  const opinions = outlooks.map(({ print, outlook }) => {
    const otherLive = outlooks.some((other) => other.print !== print && isLive(other.outlook));
    return { print, opinion: opinionOn({ print, outlook, input, otherLive }) };
  });
  const remove: Removal[] = [];
  const waits: number[] = [];
  for (const { print, opinion } of opinions) {
    if (opinion.lookAgainInMs !== undefined) waits.push(opinion.lookAgainInMs);
    if (opinion.remove === undefined || print.gone || isKept(print.job.metadata)) continue;
    if (print.job.metadata.deletionTimestamp !== undefined) continue;
    if (opinion.remove.inMs <= 0) remove.push({ job: print.job, why: opinion.remove.why });
    else waits.push(opinion.remove.inMs);
  }
  const first = opinions.find(({ opinion }) => opinion.settle !== undefined) ?? opinions[0];
  return {
    word: first?.opinion.word ?? "finished",
    why: first?.opinion.why ?? "nothing is left in the cluster",
    say: opinions.flatMap(({ print, opinion }) => [...eventSayings(print), ...(opinion.say ?? [])]),
    settle: first?.opinion.settle ?? cancelSettlement(outlooks, input),
    remove,
    heartbeat: opinions.some(({ opinion }) => opinion.heartbeat === true),
    lookAgainInMs: waits.length === 0 ? undefined : Math.min(...waits),
    sighted: opinions.flatMap(({ opinion }) => opinion.sighted ?? []),
  };
}

function opinionOn(subject: Case): Opinion {
  const { run } = subject.input;
  if (run.kind === "missing")
    return afterGrace(subject, "orphaned", "its flow run no longer exists in Prefect");
  if (run.kind === "known" && (run.state.type === "Cancelling" || run.state.type === "Cancelled")) {
    return cancelledOpinion(subject, run.state.type);
  }
  const { outlook } = subject;
  switch (outlook.kind) {
    case "live":
      return { word: "active", why: outlook.started ? "running" : "starting", heartbeat: !outlook.started };
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
      return failedOpinion(subject, outlook.trouble, outlook.endedAt);
    case "disrupted":
      return disruptedOpinion(subject, outlook.trouble, outlook.endedAt);
    case "deleted":
      return failedOpinion(subject, outlook.trouble, undefined);
  }
}

function pendingOpinion(subject: Case, trouble: Trouble): Opinion {
  const { policy } = subject.input;
  const key = keyOf(subject, trouble.code);
  const waitedMs = waited(subject, key);
  const timeoutMs = policy.pendingTimeoutMs;
  if (timeoutMs !== undefined && waitedMs >= timeoutMs)
    return { ...failedOpinion(subject, trouble, undefined), sighted: key };
  const warn = waitedMs >= policy.pendingWarnMs;
  const message = `Job ${subject.print.job.metadata.name} waits: ${trouble.summary}`;
  const nextMs = [policy.pendingWarnMs, timeoutMs].filter(
    (ms) => ms !== undefined && ms > waitedMs,
  ) as number[];
  return {
    word: "pending",
    why: trouble.summary,
    say: warn ? [saying(subject, "WARNING", message)] : [],
    heartbeat: true,
    lookAgainInMs: nextMs.length === 0 ? undefined : Math.min(...nextMs) - waitedMs,
    sighted: key,
  };
}

function stuckOpinion(subject: Case, trouble: Trouble, atOnce: boolean): Opinion {
  const key = keyOf(subject, "stuck");
  const graceMs = atOnce ? 0 : subject.input.policy.startGraceMs;
  const leftMs = graceMs - waited(subject, key);
  if (leftMs <= 0) return { ...failedOpinion(subject, trouble, undefined), word: "stuck", sighted: key };
  return { word: "stuck", why: trouble.summary, heartbeat: true, lookAgainInMs: leftMs, sighted: key };
}

function lingeringOpinion(subject: Case, endedAt: Date | undefined): Opinion {
  const key = keyOf(subject, "lingering");
  const sinceMs =
    endedAt === undefined ? waited(subject, key) : subject.input.now.getTime() - endedAt.getTime();
  const leftMs = subject.input.policy.lingerMs - sinceMs;
  const why = "the flow's container ended, another one keeps the pod";
  if (leftMs > 0) return { word: "active", why, lookAgainInMs: leftMs, sighted: key };
  return { word: "finished", why, say: exitSayings(subject), remove: { inMs: 0, why }, sighted: key };
}

function succeededOpinion(subject: Case, endedAt: Date | undefined): Opinion {
  const key = keyOf(subject, "exited");
  const leftMs = alive(subject) ? subject.input.policy.exitGraceMs - waited(subject, key) : 0;
  const why = "its Job completed";
  if (leftMs > 0) return { word: "finished", why, lookAgainInMs: leftMs, sighted: key };
  const remove = retention(subject, subject.input.policy.deleteSucceededAfterMs, endedAt, why);
  return { word: "finished", why, say: exitSayings(subject), remove, sighted: key };
}

/** Exit code 0 says only that Prefect's process ended well; a run that is not over then waits for Prefect's services. */
function exitSayings(subject: Case): Saying[] {
  const { run } = subject.input;
  if (!alive(subject) || run.kind !== "known" || subject.otherLive) return [];
  const name = subject.print.job.metadata.name;
  return [
    saying(
      subject,
      "WARNING",
      `Job ${name} completed with exit code 0, but the flow run is still ${run.state.type}. Does its container run 'prefect execute flow-run'? Prefect's own services will look after the run.`,
    ),
  ];
}

function failedOpinion(subject: Case, trouble: Trouble, endedAt: Date | undefined): Opinion {
  const { input, otherLive, print } = subject;
  const settle: Settlement | undefined =
    alive(subject) && !otherLive
      ? { kind: "fail", message: `Kubernetes Error: ${trouble.summary}` }
      : undefined;
  const { run } = input;
  const over = run.kind === "known" && isFinished(run.state.type);
  const level = over && isSuccessful(run.state.type) ? "WARNING" : "ERROR";
  // A Job deleted after its run was over is housekeeping, not news.
  const news = run.kind === "known" && !(over && trouble.code === "JobDeleted");
  const tailOf = trouble.pod === undefined ? undefined : { pod: trouble.pod, container: trouble.container };
  const say = news ? [{ ...saying(subject, level, postMortem(print, trouble)), tailOf }] : [];
  const remove = retention(subject, input.policy.deleteFailedAfterMs, endedAt, trouble.summary);
  return { word: "failed", why: trouble.summary, say, settle, remove };
}

function disruptedOpinion(subject: Case, trouble: Trouble, endedAt: Date | undefined): Opinion {
  const failed = failedOpinion(subject, trouble, endedAt);
  if (subject.input.policy.onDisruption === "fail" || failed.settle === undefined) return failed;
  const message = `Rescheduled because ${trouble.summary}`;
  const say = (failed.say ?? []).map((one) => ({ ...one, level: "WARNING" as const }));
  return { ...failed, say, settle: { kind: "reschedule", message } };
}

function cancelledOpinion(subject: Case, state: string): Opinion {
  const { outlook, print } = subject;
  const over = outlook.kind === "succeeded" || outlook.kind === "failed" || outlook.kind === "disrupted";
  const why = `its flow run is ${state}`;
  if (over)
    return {
      word: "cancelled",
      why,
      remove: retention(subject, subject.input.policy.deleteFailedAfterMs, undefined, why),
    };
  if (print.gone) return { word: "cancelled", why };
  return afterGrace(subject, "cancelled", why);
}

/** Cancelling becomes Cancelled when nothing of the run is left to do it by itself. */
function cancelSettlement(
  outlooks: readonly { outlook: Outlook; print: JobPrint }[],
  input: JudgeInput,
): Settlement | undefined {
  const { run } = input;
  if (run.kind !== "known" || run.state.type !== "Cancelling") return undefined;
  const dead = ({ outlook, print }: { outlook: Outlook; print: JobPrint }): boolean =>
    print.gone || outlook.kind === "succeeded" || outlook.kind === "failed" || outlook.kind === "disrupted";
  if (!outlooks.every(dead)) return undefined;
  return { kind: "cancelled", message: "Cancelled: nothing of the flow run is left in Kubernetes" };
}

function afterGrace(subject: Case, word: string, why: string): Opinion {
  const { run, policy, now } = subject.input;
  const key = keyOf(subject, word);
  const sinceMs =
    run.kind === "known" && run.updated !== undefined
      ? now.getTime() - run.updated.getTime()
      : waited(subject, key);
  const leftMs = Math.max(policy.cancelGraceMs - sinceMs, 0);
  return {
    word,
    why,
    remove: { inMs: leftMs, why },
    lookAgainInMs: leftMs > 0 ? leftMs : 2_000,
    sighted: key,
  };
}

function retention(
  subject: Case,
  afterMs: number | undefined,
  endedAt: Date | undefined,
  why: string,
): Opinion["remove"] {
  if (afterMs === undefined) return undefined;
  const sinceMs = endedAt === undefined ? 0 : subject.input.now.getTime() - endedAt.getTime();
  return { inMs: afterMs === 0 ? 0 : afterMs - sinceMs, why };
}

/** Events of pods that have not started, once each, as the original reported them. */
function eventSayings(print: JobPrint): Saying[] {
  return print.pods
    .filter(({ status }) => status.phase === "Pending")
    .flatMap((pod) =>
      eventsOf(print, pod.metadata.uid).map((event) => ({
        name: "k8s-infra" as const,
        level: "DEBUG" as const,
        message: `Event: '${event.reason ?? "None"}' on pod '${pod.metadata.name}'\n\tMessage: ${event.message ?? ""}`,
        timestamp: lastSeenAt(event),
        job: print.job.metadata.name,
      })),
    );
}

function saying(subject: Case, level: RunLogLevel, message: string): Saying {
  return { name: "k8s-infra", level, message, job: subject.print.job.metadata.name };
}

function alive(subject: Case): boolean {
  const { run } = subject.input;
  return run.kind === "known" && isAlive(run.state.type);
}

function keyOf(subject: Case, what: string): string {
  return `${subject.print.job.metadata.uid}/${what}`;
}

function waited(subject: Case, key: string): number {
  const since = subject.input.sightings.get(key);
  return since === undefined ? 0 : subject.input.now.getTime() - since.getTime();
}
