// Case: one Job of a flow run before the decide, and what every jobDecision asks of it.

import type { RunLogLevel } from "../../prefect1/api.ts";
import { isAlive, isFinished } from "../../prefect1/states.ts";
import type { ObservedJob } from "../observe/observed.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { DecideInput, RunLogEntry, Transition } from "./decide.ts";

export interface Case {
  readonly job: ObservedJob;
  readonly phase: JobPhase;
  readonly input: DecideInput;
  /** Another Job of the run is in good order. */
  readonly hasOtherLiveJob: boolean;
  /** Whose the run's state is: this Job's, a newer Job's that stands, or that of a Job still to come. */
  readonly stateBelongsTo: "this" | "newer" | "coming";
}

/** What one Job asks for. */
export interface JobDecision {
  readonly status: string;
  readonly reason: string;
  readonly logs?: readonly RunLogEntry[];
  readonly transition?: Transition | undefined;
  readonly deletion?: { readonly inMs: number; readonly why: string } | undefined;
  readonly heartbeat?: boolean;
  readonly requeueAfterMs?: number | undefined;
  readonly firstObserved?: FirstObserved | undefined;
}

/** Something that is seen of a Job, and since when. */
export interface FirstObserved {
  readonly key: string;
  readonly since: Date;
}

/** A line about the Job. Without a mark of its own it is said once per Job and message. */
export function logEntry(
  subject: Case,
  level: RunLogLevel,
  words: { readonly message: string; readonly mark?: string },
): RunLogEntry {
  const { message, mark = message } = words;
  return { name: "k8s-infra", level, message, key: mark, job: subject.job.job.metadata.name };
}

/** Whether the run is Submitted or Running. */
export function isRunAlive({ input: { run } }: Case): boolean {
  return run.kind === "known" && isAlive(run.state.type);
}

/** Whether the run is over, cancelled included. */
export function isRunOver({ input: { run } }: Case): boolean {
  return run.kind === "known" && isFinished(run.state.type);
}

/**
 * Since when this is seen of the Job: by earlier decisions, else since `from`, else since now. Never later than now: a
 * cluster's clock may be ahead of ours, and ours may have been set back.
 */
export function observedSince(subject: Case, what: string, from?: Date): FirstObserved {
  const key = `${subject.job.job.metadata.uid}/${what}`;
  const { firstObserved, now } = subject.input;
  const since = firstObserved.get(key) ?? from ?? now;
  return { key, since: since > now ? now : since };
}

/** Milliseconds since then; never negative, clocks differ. */
export function msSince(subject: Case, then: Date): number {
  return Math.max(0, subject.input.now.getTime() - then.getTime());
}
