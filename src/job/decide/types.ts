// The input and the result of a decision about a flow run, as data.

import type { Job } from "../../kube/client/objects.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { Place } from "../../orchestrator/place.ts";
import type { RunLogLevel } from "../../orchestrator/run-reporter.ts";
import type { ObservedRun } from "../observe/observed.ts";
import type { Policy } from "./policy.ts";

export interface DecideInput {
  readonly observed: ObservedRun;
  /** The Jobs to decide about; undefined: all. Those of other agents only tell whether the run has another live Job. */
  readonly isOurs?: ((job: Job) => boolean) | undefined;
  readonly run: RunStatus;
  readonly policy: Policy;
  /** Where the agent makes Jobs; undefined: not known. */
  readonly place?: Place | undefined;
  readonly now: Date;
  /** When each fact was first observed: `firstObserved` of the previous decision. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

/** What to do about a flow run, in this order: logs, then the state, then deletions. */
export interface Decision {
  /** The STATUS column: active, pending, stuck, failed, finished, orphaned or cancelled. */
  readonly status: string;
  readonly reason: string;
  readonly logs: readonly RunLogEntry[];
  readonly transition?: Transition | undefined;
  readonly deletions: readonly Deletion[];
  /** Delete the run's Dask clusters: before its state becomes Cancelled or Scheduled, or after it became Failed. */
  readonly deleteDask: boolean;
  /** The Job is waiting to start: send heartbeats, so that Prefect does not start the run a second time. */
  readonly heartbeat: boolean;
  /** Decide again after this many milliseconds, even if nothing changes. */
  readonly requeueAfterMs?: number | undefined;
  /** What is observed now, and since when: the input of the next decision. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

/** A line to write to the flow run's log. */
export interface RunLogEntry {
  readonly level: RunLogLevel;
  readonly message: string;
  /** The entry is not written if a line in the log already begins with this text. */
  readonly key: string;
  readonly timestamp?: Date | undefined;
  /** The container whose last log lines to append. */
  readonly tail?: LogTail | undefined;
}

/** A container's log; `previous`: the log of the previous container, before its last restart. */
export interface LogTail {
  readonly pod: string;
  readonly container: string | undefined;
  readonly previous: boolean;
}

/** The state to set. */
export type Transition =
  | { readonly kind: "fail"; readonly message: string }
  /** `job`: the Job that the run lost; `minDelayMs`: until its pods, which are still to be deleted, have ended. */
  | {
      readonly kind: "reschedule";
      readonly message: string;
      readonly job: string;
      readonly minDelayMs: number;
    }
  | { readonly kind: "cancelled"; readonly message: string };

export interface Deletion {
  readonly job: Job;
  readonly reason: string;
  /** The status of the decision, for metrics. */
  readonly status: string;
  /** The Job or a pod of it is not seen to have ended: both are read from the cluster again before it is deleted. */
  readonly isActive: boolean;
}

/** The decision about one Job of the run. */
export interface JobDecision
  extends
    Pick<Decision, "status" | "reason" | "transition" | "requeueAfterMs">,
    Partial<Pick<Decision, "logs" | "heartbeat" | "deleteDask">> {
  /** Delete the Job after so many milliseconds; undefined: never. */
  readonly deleteInMs?: number | undefined;
  readonly firstObserved?: FirstObserved | undefined;
}

/** A fact observed of a Job, and since when. */
export interface FirstObserved {
  readonly key: string;
  readonly since: Date;
}
