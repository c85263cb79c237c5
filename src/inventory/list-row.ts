// Inventory: the rows of `jobs`: Jobs first, then Dask clusters. Pure.

import { podsOf } from "../dask/dask-cluster.ts";
import type { JsonObject } from "../base/json.ts";
import { daskName, daskObject, daskPodsText, daskRows, daskCreatedAt } from "./dask-row.ts";
import type { DaskRow } from "./dask-row.ts";
import type { Inventory, InventoryRun } from "./inventory.ts";
import { withoutJobs } from "./diagnosis.ts";
import type { RunSummary } from "./diagnosis.ts";
import { imageOf, jobObject, jobRows, nodeOf, podsText, restartsText, flowRunObject } from "./job-row.ts";
import type { JobRow } from "./job-row.ts";
import { restartsOf } from "./pod-status.ts";

/** What Jobs and Dask clusters have in common, and the item itself. */
export interface ListRow {
  readonly item:
    | { readonly kind: "job"; readonly row: JobRow }
    | { readonly kind: "dask"; readonly row: DaskRow }
    | { readonly kind: "run"; readonly row: RunRow };
  readonly namespace: string;
  readonly run: InventoryRun | undefined;
  /** The Job's name, or `dask/NAME`; undefined: the run has no Job. */
  readonly name: string | undefined;
  readonly pods: string | undefined;
  readonly restarts: number | undefined;
  readonly createdAt: Date | undefined;
  readonly node: string | undefined;
  readonly image: string | undefined;
  readonly decision: { readonly status: string; readonly reason: string };
}

/** A run that has nothing in the cluster. */
export interface RunRow {
  readonly run: InventoryRun;
  readonly decision: RunSummary;
}

/** All rows of an inventory, sorted by namespace; then the runs that have nothing in the cluster. */
export function listRows(inventory: Pick<Inventory, "runs" | "unownedDask">, now: Date): readonly ListRow[] {
  const rows = [...jobRows(inventory.runs, now).map(ofJob), ...daskRows(inventory).map(ofDask)];
  rows.sort((left, right) => (left.namespace < right.namespace ? -1 : +(left.namespace > right.namespace)));
  const others = inventory.runs.filter(({ observed, dask }) => observed.jobs.length + dask.length === 0);
  return [...rows, ...others.map((run) => ofRun({ run, decision: withoutJobs(run, now) }))];
}

/** What -o name prints. */
export function resourceName({ item, name = "" }: ListRow): string {
  return item.kind === "job" ? `job.batch/${name}` : name;
}

/** What -o json prints. */
export function rowObject({ item }: ListRow): JsonObject {
  switch (item.kind) {
    case "job":
      return jobObject(item.row);
    case "dask":
      return daskObject(item.row);
    case "run":
      return runRowObject(item.row);
  }
}

function ofRun(row: RunRow): ListRow {
  const { status } = row.run;
  const { since, dueAt } = status.kind === "known" ? status.state : {};
  return {
    item: { kind: "run", row },
    namespace: "",
    run: row.run,
    name: undefined,
    pods: undefined,
    restarts: undefined,
    createdAt: dueAt ?? since,
    node: undefined,
    image: undefined,
    decision: row.decision,
  };
}

function runRowObject({ run, decision }: RunRow): JsonObject {
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "FlowRun",
    metadata: { name: run.name, uid: run.flowRunId },
    flowRun: flowRunObject(run),
    ...decision,
  };
}

function ofJob(row: JobRow): ListRow {
  const { run, job, decision } = row;
  const { name, creationTimestamp } = job.job.metadata;
  return {
    item: { kind: "job", row },
    namespace: run.namespace,
    run,
    name,
    pods: podsText(job, run.podsForbidden),
    restarts: run.podsForbidden === true ? undefined : restartsText(job),
    createdAt: new Date(creationTimestamp),
    node: nodeOf(job),
    image: imageOf(job),
    decision,
  };
}

function ofDask(row: DaskRow): ListRow {
  const { dask, run, decision } = row;
  const pods = podsOf(dask);
  return {
    item: { kind: "dask", row },
    namespace: dask.namespace,
    run,
    name: daskName(dask),
    pods: daskPodsText(dask),
    restarts: pods.reduce((sum, pod) => sum + restartsOf(pod), 0),
    createdAt: daskCreatedAt(dask),
    node: pods[0]?.spec.nodeName,
    image: pods[0]?.spec.containers?.[0]?.image,
    decision,
  };
}
