// What a decision about a flow run is made of, and what it consists of. All of it is data.

import type { Job } from "../../kube/client/objects.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { RunLogLevel } from "../../orchestrator/run-log.ts";
import type { ObservedRun } from "../observe/observed.ts";
import type { Policy } from "./policy.ts";

/** All that a decision is made of. */
export interface DecideInput {
  readonly observed: ObservedRun;
  readonly run: RunStatus;
  readonly policy: Policy;
  readonly now: Date;
  /** When each thing was first observed; `firstObserved` of the decision before. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

/** What is to be done about a flow run, in this order: logs, then the state, then deletions. */
export interface Decision {
  /** For tables: active, pending, stuck, failed, finished, orphaned or cancelled. */
  readonly status: string;
  readonly reason: string;
  readonly logs: readonly RunLogEntry[];
  readonly transition?: Transition | undefined;
  readonly deletions: readonly Deletion[];
  /** Whether the run's Dask clusters are deleted: before its state becomes Cancelled or Scheduled, after it became Failed. */
  readonly deleteDask: boolean;
  /** The Job legitimately waits: heartbeats keep Prefect from starting the run a second time. */
  readonly heartbeat: boolean;
  /** Decide again after so many milliseconds, even if nothing changes. */
  readonly requeueAfterMs?: number | undefined;
  /** What is observed now, and since when; the next decision takes it as its `firstObserved`. */
  readonly firstObserved: ReadonlyMap<string, Date>;
}

/** A line for the flow run's log. */
export interface RunLogEntry {
  readonly name: "k8s-infra";
  readonly level: RunLogLevel;
  readonly message: string;
  /** A line of the log that begins so says the same: then this one is not written. */
  readonly key: string;
  readonly timestamp?: Date | undefined;
  /** The container whose last log lines are appended. */
  readonly tail?: LogTail | undefined;
  /** The Job it is about. */
  readonly job: string;
}

/** A container's log; `previous`: that of the container before its last restart. */
export interface LogTail {
  readonly pod: string;
  readonly container: string | undefined;
  readonly previous: boolean;
}

/** What becomes of the flow run's state. */
export type Transition =
  /** `onlyWithReport`: only if the Job's failure is reported now for the first time; the state may belong to a newer Job. */
  | { readonly kind: "fail"; readonly message: string; readonly onlyWithReport: boolean }
  /** `job`: the Job that the run lost. */
  | { readonly kind: "reschedule"; readonly message: string; readonly job: string }
  | { readonly kind: "cancelled"; readonly message: string };

/** A Job to be deleted. */
export interface Deletion {
  readonly job: Job;
  readonly reason: string;
  /** The decision's status, for metrics. */
  readonly status: string;
  /** The Job has not finished: the cluster is asked once more before it is deleted. */
  readonly isActive: boolean;
}

/** What is decided about one Job of the run. */
export interface JobDecision {
  readonly status: string;
  readonly reason: string;
  readonly logs?: readonly RunLogEntry[];
  readonly transition?: Transition | undefined;
  readonly deletion?: { readonly inMs: number; readonly reason: string } | undefined;
  readonly heartbeat?: boolean;
  readonly requeueAfterMs?: number | undefined;
  readonly firstObserved?: FirstObserved | undefined;
}

/** Something that is observed of a Job, and since when. */
export interface FirstObserved {
  readonly key: string;
  readonly since: Date;
}
