// The labels and annotations that the cache keeps.

/** The labels and annotations that cached objects keep: Prefect's, ours, and a pod's `job-name`. */
export const KEPT_METADATA = [
  "prefect.io/identifier",
  "prefect.io/flow_run_id",
  "prefect.io/flow-run-id",
  "prefect.io/keep",
  "prefect.io/agent",
  "job-name",
];
