// The labels and annotations that cached objects keep.

/** Prefect's labels, ours, and the one by which a pod names its Job. */
export const AGENT_META = [
  "prefect.io/identifier",
  "prefect.io/flow_run_id",
  "prefect.io/flow-run-id",
  "prefect.io/keep",
  "prefect.io/agent",
  "job-name",
];
