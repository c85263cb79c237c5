// Inventory: the rows of `jobs`: Jobs first, then Dask clusters. Pure.

import { podsOf, type ObservedCluster } from "../dask/dask-cluster.ts";
import type { JsonObject } from "../base/json.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import { daskCreatedAt, daskDecision, daskName, daskObject } from "./dask-row.ts";
import type { Inventory, InventoryRun } from "./inventory.ts";
import { withoutJobs, type RunSummary } from "./diagnosis.ts";
import { flowRunObject, imageOf, jobObject, jobRows, runMetadata, type JobRow } from "./job-row.ts";
import { podsText, restartsOf } from "./pod-status.ts";

/** A Job, a Dask cluster, or a run that has neither here. */
export interface ListRow {
  readonly kind: "job" | "dask" | "run";
  /** The same for the same thing in a later list. */
  readonly key: string;
  readonly namespace: string;
  readonly run: InventoryRun | undefined;
  /** The Job's name, or `dask/NAME`; undefined: the run has no Job. */
  readonly name?: string;
  /** What kubectl calls its objects: `job.batch/NAME`; of a Dask cluster that is no resource, its pods. */
  readonly resources?: readonly string[];
  /** The Job was deleted, and has left pods. */
  readonly gone?: boolean | undefined;
  readonly pods?: string;
  readonly restarts?: number | undefined;
  readonly createdAt: Date | undefined;
  readonly node?: string | undefined;
  readonly image?: string | undefined;
  readonly decision: RunSummary;
  /** What -o json prints. */
  readonly toObject: () => JsonObject;
}

/** All rows of an inventory, sorted by namespace; then the runs that have nothing in the cluster. */
export function listRows(
  inventory: Pick<Inventory, "runs" | "unownedDask" | "forbidden">,
  now: Date,
): readonly ListRow[] {
  const podsForbidden = inventory.forbidden?.has("pods") === true;
  const rows = [
    ...jobRows(inventory.runs, now).map(ofJob),
    ...inventory.runs.flatMap((run) => run.dask.map((dask) => ofDask(dask, run, podsForbidden))),
    ...inventory.unownedDask.map((dask) => ofDask(dask, undefined, podsForbidden)),
  ];
  rows.sort((left, right) => (left.namespace < right.namespace ? -1 : +(left.namespace > right.namespace)));
  const others = inventory.runs.filter(({ observed, dask }) => observed.jobs.length + dask.length === 0);
  return [...rows, ...others.map((run) => ofRun(run, withoutJobs(run, now), now))];
}

function ofRun(run: InventoryRun, decision: RunSummary, now: Date): ListRow {
  const { flowRunId, status } = run;
  const { since, dueAt } = status.state ?? {};
  return {
    kind: "run",
    key: flowRunId,
    namespace: "",
    run,
    // The age of one that starts again later is that of its state.
    createdAt: dueAt !== undefined && dueAt <= now ? dueAt : since,
    decision,
    toObject: () => ({
      apiVersion: "kubectl-prefect/v1",
      kind: "FlowRun",
      metadata: runMetadata(run),
      flowRun: flowRunObject(run),
      ...decision,
    }),
  };
}

function ofJob(row: JobRow): ListRow {
  const { run, decision } = row;
  const { job, pods } = row.job;
  const newest = pods.at(-1);
  const isForbidden = run.podsForbidden === true;
  return {
    kind: "job",
    key: job.metadata.uid,
    namespace: run.namespace,
    run,
    name: job.metadata.name,
    resources: [`job.batch/${job.metadata.name}`],
    gone: row.job.gone,
    pods: isForbidden ? "<unknown>" : podsText(pods, newest),
    restarts: isForbidden ? undefined : restartsOf(pods),
    createdAt: new Date(job.metadata.creationTimestamp),
    node: newest?.spec.nodeName,
    image: imageOf(row.job),
    decision,
    toObject: () => jobObject(row),
  };
}

function ofDask(dask: ObservedCluster, run: InventoryRun | undefined, podsForbidden: boolean): ListRow {
  const pods = podsOf(dask);
  return {
    kind: "dask",
    key: `${dask.namespace}/${daskName(dask)}`,
    namespace: dask.namespace,
    run,
    name: daskName(dask),
    resources:
      dask.resource === undefined
        ? pods.map(({ metadata }) => `pod/${metadata.name}`)
        : [`daskcluster.kubernetes.dask.org/${dask.name}`],
    pods: podsForbidden ? "<unknown>" : podsText(pods, pods.find((pod) => !hasEnded(pod)) ?? pods[0]),
    restarts: podsForbidden ? undefined : restartsOf(pods),
    createdAt: daskCreatedAt(dask),
    node: pods[0]?.spec.nodeName,
    image: pods[0]?.spec.containers?.[0]?.image,
    decision: daskDecision(dask, run, podsForbidden),
    toObject: () => daskObject(dask, run, podsForbidden),
  };
}
