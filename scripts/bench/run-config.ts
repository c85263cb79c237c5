// The run config of all flow runs here: an ordinary one, but for a request that no node can meet.

/** Its pods stay Pending, so that nodes, where a cluster has some, do not join in. */
export const unschedulable = {
  type: "KubernetesRun",
  image: "busybox:latest",
  cpu_request: "100k",
  env: { PIPELINE: "bench" },
};
