// The run config of the benchmarks' flow runs: its CPU request is larger than any node.

/** Its pods stay Pending, so that nodes do not affect the measurement. */
export const unschedulable = {
  type: "KubernetesRun",
  image: "busybox:latest",
  cpu_request: "100k",
  env: { PIPELINE: "bench" },
};
