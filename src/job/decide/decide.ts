// Verdict: what is to be said, settled and removed for one flow run, as data. Pure: the same footprint, run and time give
// the same verdict, in the agent, in `inspect` and in tests. Each Job has an outlook, each outlook an opinion; here the
// opinions become one verdict. Carrying it out is supervise/carry-out.ts.

import { lastSeenAt } from "../../kube/client/objects.ts";
import type { RunLogLevel } from "../../prefect1/api.ts";
import { claimMarkOf } from "../../prefect1/claim.ts";
import type { State } from "../../prefect1/states.ts";
import type { Case, Opinion } from "./job-context.ts";
import type { Footprint, JobPrint } from "../observe/observed.ts";
import { eventsOf } from "../observe/observed.ts";
import { otherIdentifier } from "../../prefect1/build/identifier.ts";
import { IDENTIFIER_LABEL, isKept } from "../labels.ts";
import { ownOpinion } from "./by-phase.ts";
import type { Outlook } from "../observe/phase.ts";
import { isLive, isOver, outlookOf } from "../observe/phase.ts";
import { leavesDask } from "./dask.ts";
import { cancelSettlement, overdueOpinion } from "./run-ended.ts";

/** How patient we are, in milliseconds; undefined: never. */
export interface Policy {
  readonly startGraceMs: number;
  readonly pendingTimeoutMs: number | undefined;
  readonly pendingWarnMs: number;
  readonly onDisruption: "fail" | "retry";
  readonly cancelGraceMs: number;
  /** How long a run may stay Submitted or Running after its Job exited with 0. */
  readonly exitGraceMs: number;
  /** How long other containers may outlive the flow's, and a Job its run. */
  readonly lingerMs: number;
  readonly deleteSucceededAfterMs: number | undefined;
  readonly deleteFailedAfterMs: number | undefined;
}

/** What holds where nothing else was told. */
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
  | {
      readonly kind: "known";
      readonly state: State;
      readonly updated?: Date | undefined;
      /** Counts the run's states; a server with version locking takes a state only for the newest. */
      readonly version?: number | undefined;
    }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown" };

/** All that a verdict is made of. */
export interface JudgeInput {
  readonly footprint: Footprint;
  readonly run: RunView;
  readonly policy: Policy;
  readonly now: Date;
  /** Since when each thing is seen; `sighted` of the verdict before. */
  readonly sightings: ReadonlyMap<string, Date>;
}

/** A line for the flow run's log. */
export interface Saying {
  readonly name: "k8s-infra";
  readonly level: RunLogLevel;
  readonly message: string;
  /** How a line of the log begins that says the same already. */
  readonly mark: string;
  readonly timestamp?: Date | undefined;
  /** Whose last log lines belong under the message. */
  readonly tailOf?: Tail | undefined;
  /** The Job it is about. */
  readonly job: string;
}

/** A container's log; `previous`: of its run before this one. */
export interface Tail {
  readonly pod: string;
  readonly container: string | undefined;
  readonly previous: boolean;
}

/** What becomes of the flow run's state. */
export type Settlement =
  /** `withStory`: only if the story of the Job is told just now, and was not before; the state may be a newer Job's. */
  | { readonly kind: "fail"; readonly message: string; readonly withStory: boolean }
  /** `job`: the Job that the run lost. */
  | { readonly kind: "reschedule"; readonly message: string; readonly job: string }
  | { readonly kind: "cancelled"; readonly message: string };

/** A Job that is to go. */
export interface Removal {
  readonly job: JobPrint["job"];
  readonly why: string;
  /** The verdict in one word, for counting. */
  readonly word: string;
  /** The Job is not over by its own account: look at it once more before it goes. */
  readonly active: boolean;
}

export interface Verdict {
  /** One word and one line for tables: active, pending, stuck, failed, finished, orphaned, cancelled. */
  readonly word: string;
  readonly why: string;
  readonly say: readonly Saying[];
  readonly settle?: Settlement | undefined;
  readonly remove: readonly Removal[];
  /** The run's Dask clusters go, too: before its state becomes Cancelled or Scheduled, after it became Failed. */
  readonly clear: boolean;
  /** The Job legitimately waits: keep Lazarus from starting the run a second time. */
  readonly heartbeat: boolean;
  readonly lookAgainInMs?: number | undefined;
  /** What is seen now, and since when; whoever judges next passes it as `sightings`. */
  readonly sighted: ReadonlyMap<string, Date>;
}

interface Heard {
  readonly print: JobPrint;
  readonly outlook: Outlook;
  readonly opinion: Opinion;
}

/** The verdict on a flow run's footprint. */
export function judge(input: JudgeInput): Verdict {
  const jobs = input.footprint.jobs.map((print) => ({ print, outlook: outlookOf(print) }));
  const heard: Heard[] = jobs.map(({ print, outlook }) => {
    const otherLive = jobs.some((other) => other.print !== print && isLive(other.outlook));
    const subject: Case = { print, outlook, input, otherLive, stateOf: stateOf(print, input) };
    return { print, outlook, opinion: overdueOpinion(subject) ?? ownOpinion(subject) };
  });
  const due = removals(heard);
  const first = heard.find(({ opinion }) => opinion.settle !== undefined) ?? newest(heard);
  const waits = [...due.waits, ...heard.flatMap(({ opinion }) => opinion.lookAgainInMs ?? [])];
  const isAsked = input.run.kind === "known";
  const settle = first?.opinion.settle ?? cancelSettlement(jobs, input);
  return {
    word: first?.opinion.word ?? "finished",
    why: first?.opinion.why ?? "nothing is left in the cluster",
    // Prefect takes no log of a run that it does not know.
    say: isAsked
      ? heard.flatMap(({ print, opinion }) => [...eventSayings(print), ...(opinion.say ?? [])])
      : [],
    settle,
    remove: due.now,
    clear: leavesDask({ run: input.run, settle, leaving: due.leaving }),
    heartbeat: heard.some(({ opinion }) => opinion.heartbeat === true),
    lookAgainInMs: waits.length === 0 ? undefined : Math.min(...waits),
    sighted: new Map(
      heard.flatMap(({ opinion: { sighted } }) =>
        sighted === undefined ? [] : [[sighted.key, sighted.since]],
      ),
    ),
  };
}

interface Due {
  readonly now: Removal[];
  readonly leaving: Outlook[];
  readonly waits: number[];
}

function removals(heard: readonly Heard[]): Due {
  const now: Removal[] = [];
  const leaving: Outlook[] = [];
  const waits: number[] = [];
  for (const { print, outlook, opinion } of heard) {
    const { job } = print;
    const isGoing = print.gone || job.metadata.deletionTimestamp !== undefined;
    if (opinion.remove === undefined || isGoing || isKept(job.metadata)) continue;
    const { inMs, why } = opinion.remove;
    if (inMs > 0) waits.push(inMs);
    else {
      now.push({ job, why, word: opinion.word, active: !isOver(job) });
      leaving.push(outlook);
    }
  }
  return { now, leaving, waits };
}

function newest(heard: readonly Heard[]): Heard | undefined {
  return heard.toSorted((a, b) => madeAt(b.print) - madeAt(a.print))[0];
}

/**
 * A run can be started again while an old Job of it still stands (kept, or held by a finalizer): what the old one came
 * to is then no news about the run. A Submitted state names the Job that was claimed with it.
 */
function stateOf(print: JobPrint, { footprint, run }: JudgeInput): Case["stateOf"] {
  if (footprint.jobs.some((other) => madeAt(other) > madeAt(print))) return "newer";
  const identifier = print.job.metadata.labels?.[IDENTIFIER_LABEL];
  const mark = run.kind === "known" && run.state.type === "Submitted" ? claimMarkOf(run.state) : undefined;
  if (mark === undefined || identifier === undefined) return "this";
  const second = otherIdentifier(mark.identifier, footprint.flowRunId);
  const names = [mark.identifier, second, otherIdentifier(second, footprint.flowRunId)];
  return names.includes(identifier) ? "this" : "coming";
}

function madeAt({ job }: JobPrint): number {
  return new Date(job.metadata.creationTimestamp).getTime();
}

/** Events of pods that have not started, once each, as the original reported them. */
function eventSayings(print: JobPrint): Saying[] {
  return print.pods
    .filter(({ status }) => status.phase === "Pending")
    .flatMap((pod) =>
      eventsOf(print, pod.metadata.uid).map((event) => {
        const message = `Event: '${event.reason ?? "None"}' on pod '${pod.metadata.name}'\n\tMessage: ${event.message ?? ""}`;
        return {
          name: "k8s-infra" as const,
          level: "DEBUG" as const,
          message,
          mark: message,
          timestamp: lastSeenAt(event),
          job: print.job.metadata.name,
        };
      }),
    );
}
