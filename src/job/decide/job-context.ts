// One Job of a flow run with all that a decision about it looks at, and the questions that every rule asks.

import { isActive, isFinished } from "../../orchestrator/flow-run.ts";
import type { RunLogLevel } from "../../orchestrator/run-log.ts";
import type { ObservedJob } from "../observe/observed.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { DecideInput, FirstObserved, RunLogEntry } from "./types.ts";

export interface JobContext {
  readonly observed: ObservedJob;
  readonly phase: JobPhase;
  readonly input: DecideInput;
  /** Another Job of the run is in good order. */
  readonly hasOtherLiveJob: boolean;
  /** Whose the run's state is: this Job's, that of a newer Job, or that of a Job still to be made. */
  readonly stateBelongsTo: "this" | "newer" | "coming";
}

/** A line about the Job. Without a key of its own it is written once per Job and message. */
export function logEntry(
  context: JobContext,
  level: RunLogLevel,
  line: { readonly message: string; readonly key?: string },
): RunLogEntry {
  const { message, key = message } = line;
  return { name: "k8s-infra", level, message, key, job: context.observed.job.metadata.name };
}

/** Whether the run is claimed or running. */
export function isRunActive({ input: { run } }: JobContext): boolean {
  return run.kind === "known" && isActive(run.state.type);
}

/** Whether the run is over, cancelled included. */
export function isRunFinished({ input: { run } }: JobContext): boolean {
  return run.kind === "known" && isFinished(run.state.type);
}

/**
 * Since when this is observed of the Job: by earlier decisions, else since `from`, else since now. Never later than now: a
 * cluster's clock may be ahead of ours, and ours may have been set back.
 */
export function observedSince(context: JobContext, what: string, from?: Date): FirstObserved {
  const key = `${context.observed.job.metadata.uid}/${what}`;
  const { firstObserved, now } = context.input;
  const since = firstObserved.get(key) ?? from ?? now;
  return { key, since: since > now ? now : since };
}

/** Milliseconds since then; never negative, clocks differ. */
export function msSince(context: JobContext, then: Date): number {
  return Math.max(0, context.input.now.getTime() - then.getTime());
}
