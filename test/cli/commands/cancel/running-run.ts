// A flow run that runs in the cluster, for the tests of cancel.

import { startTestCluster } from "../cleanup/cluster.ts";
import type { TestCluster } from "../cleanup/cluster.ts";

export interface Running {
  readonly testCluster: TestCluster;
  readonly id: string;
  readonly cluster: string;
}

/** A running flow run `quick-fox` with a Job, its pod and a Dask cluster; and another run that must be kept. */
export async function runningWorld(state = "Running"): Promise<Running> {
  const testCluster = await startTestCluster();
  const id = testCluster.flowRun(state, "quick-fox");
  const cluster = `dask-${id}-0123abcd-4`;
  testCluster.job("job-fox", id, { status: { active: 1, ready: 1 } });
  testCluster.jobPod("pod-fox", "job-fox");
  testCluster.daskPod("fox-worker", cluster, { phase: "Running" });
  testCluster.daskFront(cluster);
  const other = testCluster.flowRun("Running", "slow-cow");
  testCluster.job("job-cow", other, { status: { active: 1, ready: 1 } });
  testCluster.jobPod("pod-cow", "job-cow");
  testCluster.daskPod("cow-worker", `dask-${other}-0123abcd-4`, { phase: "Running" });
  return { testCluster, id, cluster };
}

export function stateOf({ testCluster, id }: Running): string | null | undefined {
  return testCluster.prefect.flowRun(id)?.state;
}
