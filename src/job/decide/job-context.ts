// Case: one Job of a flow run before the judge, and what every opinion asks of it.

import type { RunLogLevel } from "../../prefect1/api.ts";
import { isAlive, isFinished } from "../../prefect1/states.ts";
import type { JobPrint } from "../observe/observed.ts";
import type { Outlook } from "../observe/phase.ts";
import type { JudgeInput, Saying, Settlement } from "./decide.ts";

export interface Case {
  readonly print: JobPrint;
  readonly outlook: Outlook;
  readonly input: JudgeInput;
  /** Another Job of the run is in good order. */
  readonly otherLive: boolean;
  /** Whose the run's state is: this Job's, a newer Job's that stands, or that of a Job still to come. */
  readonly stateOf: "this" | "newer" | "coming";
}

/** What one Job asks for. */
export interface Opinion {
  readonly word: string;
  readonly why: string;
  readonly say?: readonly Saying[];
  readonly settle?: Settlement | undefined;
  readonly remove?: { readonly inMs: number; readonly why: string } | undefined;
  readonly heartbeat?: boolean;
  readonly lookAgainInMs?: number | undefined;
  readonly sighted?: Sighting | undefined;
}

/** Something that is seen of a Job, and since when. */
export interface Sighting {
  readonly key: string;
  readonly since: Date;
}

/** A line about the Job. Without a mark of its own it is said once per Job and message. */
export function saying(
  subject: Case,
  level: RunLogLevel,
  words: { readonly message: string; readonly mark?: string },
): Saying {
  const { message, mark = message } = words;
  return { name: "k8s-infra", level, message, mark, job: subject.print.job.metadata.name };
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
 * Since when this is seen of the Job: by earlier verdicts, else since `from`, else since now. Never later than now: a
 * cluster's clock may be ahead of ours, and ours may have been set back.
 */
export function sighting(subject: Case, what: string, from?: Date): Sighting {
  const key = `${subject.print.job.metadata.uid}/${what}`;
  const { sightings, now } = subject.input;
  const since = sightings.get(key) ?? from ?? now;
  return { key, since: since > now ? now : since };
}

/** Milliseconds since then; never negative, clocks differ. */
export function msSince(subject: Case, then: Date): number {
  return Math.max(0, subject.input.now.getTime() - then.getTime());
}
