// How long the agent waits before it acts, and how long it keeps finished Jobs. Set by the options of `agent start`.

/** Times in milliseconds; undefined: never. */
export interface Policy {
  /** Fail the run when its pod has been unable to start for this long (image, Secret, crash). */
  readonly startGraceMs: number;
  /** The same for a reason that passes by itself (a registry's trouble, a node's network). */
  readonly passingGraceMs: number;
  /** Fail the run when the flow has not started this long after its Job was created, whatever the reason. */
  readonly pendingTimeoutMs: number | undefined;
  /** Warn in the run's log of what passes, and of waiting for a node, a quota or a volume, after this long. */
  readonly pendingWarnMs: number;
  readonly onDisruption: "fail" | "retry";
  /** How long a cancelled flow may take to stop by itself. */
  readonly cancelGraceMs: number;
  /** How long a run may stay Submitted or Running after its Job exited with 0. */
  readonly exitGraceMs: number;
  /** How long sidecars may run after the flow's container has terminated, and a Job after its run is over. */
  readonly sidecarGraceMs: number;
  readonly deleteSucceededAfterMs: number | undefined;
  readonly deleteFailedAfterMs: number | undefined;
}

/** The defaults of the options. */
export const DEFAULT_POLICY: Policy = {
  startGraceMs: 30_000,
  passingGraceMs: 600_000,
  pendingTimeoutMs: undefined,
  pendingWarnMs: 60_000,
  onDisruption: "fail",
  cancelGraceMs: 60_000,
  exitGraceMs: 10_000,
  sidecarGraceMs: 60_000,
  deleteSucceededAfterMs: 0,
  deleteFailedAfterMs: 0,
};
