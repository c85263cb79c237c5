// The input of a decision about one Job, and helpers that all rules share.

import { isActive, isFinished } from "../../orchestrator/flow-run.ts";
import type { RunLogLevel } from "../../orchestrator/run-reporter.ts";
import type { ObservedJob } from "../observe/observed.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { DecideInput, FirstObserved, RunLogEntry } from "./types.ts";

export interface JobContext {
  readonly observed: ObservedJob;
  readonly phase: JobPhase;
  readonly input: DecideInput;
  /** Another Job of the run is live. */
  readonly hasOtherLiveJob: boolean;
  /** Which Job the run's state belongs to: this one, a newer one, or the next one, which is still to be created. */
  readonly stateBelongsTo: "this" | "newer" | "next";
}

export function logEntry(level: RunLogLevel, message: string, key = message): RunLogEntry {
  return { level, message, key };
}

/** Whether the run is claimed or running. */
export function isRunActive({ input: { run } }: JobContext): boolean {
  return isActive(run.state?.type);
}

/** Whether the run is over, cancelled included. */
export function isRunFinished({ input: { run } }: JobContext): boolean {
  return isFinished(run.state?.type);
}

/**
 * Since when this has been observed of the Job: the time of an earlier decision, else `from`, else now. Never later than
 * now: the cluster's clock may be ahead of ours, and ours may have been set back.
 */
export function observedSince(context: JobContext, what: string, from?: Date): FirstObserved {
  const key = `${context.observed.job.metadata.uid}/${what}`;
  const { firstObserved, now } = context.input;
  const since = firstObserved.get(key) ?? from ?? now;
  return { key, since: since > now ? now : since };
}

/** Milliseconds since then; never negative, since clocks differ. */
export function msSince(context: JobContext, then: Date): number {
  return Math.max(0, context.input.now.getTime() - then.getTime());
}
