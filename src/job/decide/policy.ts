// How long the agent waits before it acts, and how long it keeps what is over. The options of `agent start` set it.

/** Times in milliseconds; undefined: never. */
export interface Policy {
  /** How long a pod may be unable to start (image, Secret, crash) before its run fails. */
  readonly startGraceMs: number;
  /** How long a pod may wait for a node, a quota or a volume before its run fails. */
  readonly pendingTimeoutMs: number | undefined;
  /** After how long such a wait is reported in the run's log. */
  readonly pendingWarnMs: number;
  readonly onDisruption: "fail" | "retry";
  /** How long a cancelled flow may take to end by itself. */
  readonly cancelGraceMs: number;
  /** How long a run may stay Submitted or Running after its Job exited with 0. */
  readonly exitGraceMs: number;
  /** How long sidecars may run after the flow's container has ended, and a Job after its run. */
  readonly sidecarGraceMs: number;
  readonly deleteSucceededAfterMs: number | undefined;
  readonly deleteFailedAfterMs: number | undefined;
}

/** The defaults of the options. */
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
