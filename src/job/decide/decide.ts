// Decision: what is to be said, settled and removed for one flow run, as data. Pure: the same observed, run and time give
// the same decision, in the agent, in `inspect` and in tests. Each Job has an phase, each phase an jobDecision; here the
// decisions become one decision. Carrying it out is supervise/carry-out.ts.

import { lastSeenAt } from "../../kube/client/objects.ts";
import type { RunLogLevel } from "../../prefect1/api.ts";
import { claimRecordOf } from "../../prefect1/claim.ts";
import type { State } from "../../prefect1/states.ts";
import type { Case, JobDecision } from "./job-context.ts";
import type { ObservedRun, ObservedJob } from "../observe/observed.ts";
import { eventsOf } from "../observe/observed.ts";
import { otherIdentifier } from "../../prefect1/build/identifier.ts";
import { IDENTIFIER_LABEL, isKept } from "../labels.ts";
import { decideByPhase } from "./by-phase.ts";
import type { JobPhase } from "../observe/phase.ts";
import { isLive, isOver, jobPhase } from "../observe/phase.ts";
import { leavesDask } from "./dask.ts";
import { cancelTransition, decideByRunState } from "./run-ended.ts";

/** How target we are, in milliseconds; undefined: never. */
export interface Policy {
  readonly startGraceMs: number;
  readonly pendingTimeoutMs: number | undefined;
  readonly pendingWarnMs: number;
  readonly onDisruption: "fail" | "retry";
  readonly cancelGraceMs: number;
  /** How long a run may stay Submitted or Running after its Job exited with 0. */
  readonly exitGraceMs: number;
  /** How long other containers may outlive the flow's, and a Job its run. */
  readonly sidecarGraceMs: number;
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
  sidecarGraceMs: 60_000,
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

/** All that a decision is made of. */
export interface DecideInput {
  readonly observed: ObservedRun;
  readonly run: RunView;
  readonly policy: Policy;
  readonly now: Date;
  /** Since when each thing is seen; `firstObserved` of the decision before. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

/** A line for the flow run's log. */
export interface RunLogEntry {
  readonly name: "k8s-infra";
  readonly level: RunLogLevel;
  readonly message: string;
  /** How a line of the log begins that says the same already. */
  readonly key: string;
  readonly timestamp?: Date | undefined;
  /** Whose last log lines belong under the message. */
  readonly tail?: Tail | undefined;
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
export type Transition =
  /** `onlyWithReport`: only if the story of the Job is told just now, and was not before; the state may be a newer Job's. */
  | { readonly kind: "fail"; readonly message: string; readonly onlyWithReport: boolean }
  /** `job`: the Job that the run lost. */
  | { readonly kind: "reschedule"; readonly message: string; readonly job: string }
  | { readonly kind: "cancelled"; readonly message: string };

/** A Job that is to go. */
export interface Deletion {
  readonly job: ObservedJob["job"];
  readonly reason: string;
  /** The decision in one word, for counting. */
  readonly status: string;
  /** The Job is not over by its own account: look at it once more before it goes. */
  readonly isActive: boolean;
}

export interface Decision {
  /** One word and one line for tables: active, pending, stuck, failed, finished, orphaned, cancelled. */
  readonly status: string;
  readonly reason: string;
  readonly logs: readonly RunLogEntry[];
  readonly transition?: Transition | undefined;
  readonly deletions: readonly Deletion[];
  /** The run's Dask clusters go, too: before its state becomes Cancelled or Scheduled, after it became Failed. */
  readonly deleteDask: boolean;
  /** The Job legitimately waits: keep Lazarus from starting the run a second time. */
  readonly heartbeat: boolean;
  readonly requeueAfterMs?: number | undefined;
  /** What is seen now, and since when; whoever judges next passes it as `firstObserved`. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

interface Heard {
  readonly print: ObservedJob;
  readonly phase: JobPhase;
  readonly jobDecision: JobDecision;
}

/** The decision on a flow run's observed. */
export function decide(input: DecideInput): Decision {
  const jobs = input.observed.jobs.map((print) => ({ print, phase: jobPhase(print) }));
  const heard: Heard[] = jobs.map(({ print, phase }) => {
    const otherLive = jobs.some((other) => other.print !== print && isLive(other.phase));
    const subject: Case = {
      job: print,
      phase,
      input,
      hasOtherLiveJob: otherLive,
      stateBelongsTo: stateOf(print, input),
    };
    return { print, phase, jobDecision: decideByRunState(subject) ?? decideByPhase(subject) };
  });
  const due = deletions(heard);
  const first = heard.find(({ jobDecision }) => jobDecision.transition !== undefined) ?? newest(heard);
  const waits = [...due.waits, ...heard.flatMap(({ jobDecision }) => jobDecision.requeueAfterMs ?? [])];
  const isAsked = input.run.kind === "known";
  const settle = first?.jobDecision.transition ?? cancelTransition(jobs, input);
  return {
    status: first?.jobDecision.status ?? "finished",
    reason: first?.jobDecision.reason ?? "nothing is left in the cluster",
    // Prefect takes no log of a run that it does not know.
    logs: isAsked
      ? heard.flatMap(({ print, jobDecision }) => [...eventEntries(print), ...(jobDecision.logs ?? [])])
      : [],
    transition: settle,
    deletions: due.now,
    deleteDask: leavesDask({ run: input.run, settle, leaving: due.leaving }),
    heartbeat: heard.some(({ jobDecision }) => jobDecision.heartbeat === true),
    requeueAfterMs: waits.length === 0 ? undefined : Math.min(...waits),
    firstObserved: new Map(
      heard.flatMap(({ jobDecision: { firstObserved } }) =>
        firstObserved === undefined ? [] : [[firstObserved.key, firstObserved.since]],
      ),
    ),
  };
}

interface Due {
  readonly now: Deletion[];
  readonly leaving: JobPhase[];
  readonly waits: number[];
}

function deletions(heard: readonly Heard[]): Due {
  const now: Deletion[] = [];
  const leaving: JobPhase[] = [];
  const waits: number[] = [];
  for (const { print, phase, jobDecision } of heard) {
    const { job } = print;
    const isGoing = print.gone || job.metadata.deletionTimestamp !== undefined;
    if (jobDecision.deletion === undefined || isGoing || isKept(job.metadata)) continue;
    const { inMs, why } = jobDecision.deletion;
    if (inMs > 0) waits.push(inMs);
    else {
      now.push({ job, reason: why, status: jobDecision.status, isActive: !isOver(job) });
      leaving.push(phase);
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
function stateOf(print: ObservedJob, { observed, run }: DecideInput): Case["stateBelongsTo"] {
  if (observed.jobs.some((other) => madeAt(other) > madeAt(print))) return "newer";
  const identifier = print.job.metadata.labels?.[IDENTIFIER_LABEL];
  const mark = run.kind === "known" && run.state.type === "Submitted" ? claimRecordOf(run.state) : undefined;
  if (mark === undefined || identifier === undefined) return "this";
  const second = otherIdentifier(mark.identifier, observed.flowRunId);
  const names = [mark.identifier, second, otherIdentifier(second, observed.flowRunId)];
  return names.includes(identifier) ? "this" : "coming";
}

function madeAt({ job }: ObservedJob): number {
  return new Date(job.metadata.creationTimestamp).getTime();
}

/** Events of pods that have not started, once each, as the original reported them. */
function eventEntries(print: ObservedJob): RunLogEntry[] {
  return print.pods
    .filter(({ status }) => status.phase === "Pending")
    .flatMap((pod) =>
      eventsOf(print, pod.metadata.uid).map((event) => {
        const message = `Event: '${event.reason ?? "None"}' on pod '${pod.metadata.name}'\n\tMessage: ${event.message ?? ""}`;
        return {
          name: "k8s-infra" as const,
          level: "DEBUG" as const,
          message,
          key: message,
          timestamp: lastSeenAt(event),
          job: print.job.metadata.name,
        };
      }),
    );
}
