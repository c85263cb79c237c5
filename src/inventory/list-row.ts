// Inventory: the rows of `jobs`: Jobs first, then Dask clusters. Pure.

import { podsOf } from "../dask/dask-cluster.ts";
import type { JsonObject } from "../base/json.ts";
import { daskName, daskObject, daskPodsText, daskRows, daskCreatedAt } from "./dask-row.ts";
import type { DaskRow } from "./dask-row.ts";
import type { Inventory, InventoryRun } from "./inventory.ts";
import { imageOf, jobObject, jobRows, nodeOf, podsText, restartsText } from "./job-row.ts";
import type { JobRow } from "./job-row.ts";
import { restartsOf } from "./pod-status.ts";

/** What Jobs and Dask clusters have in common, and the item itself. */
export interface ListRow {
  readonly item:
    | { readonly kind: "job"; readonly row: JobRow }
    | { readonly kind: "dask"; readonly row: DaskRow };
  readonly namespace: string;
  readonly run: InventoryRun | undefined;
  /** The Job's name, or `dask/NAME`. */
  readonly name: string;
  readonly pods: string;
  readonly restarts: number | undefined;
  readonly createdAt: Date | undefined;
  readonly node: string | undefined;
  readonly image: string | undefined;
  readonly decision: { readonly status: string; readonly reason: string };
}

/** All rows of an inventory, sorted by namespace. */
export function listRows(inventory: Pick<Inventory, "runs" | "unownedDask">, now: Date): readonly ListRow[] {
  const rows = [...jobRows(inventory.runs, now).map(ofJob), ...daskRows(inventory).map(ofDask)];
  return rows.sort((left, right) =>
    left.namespace < right.namespace ? -1 : +(left.namespace > right.namespace),
  );
}

/** What -o name prints. */
export function resourceName({ item, name }: ListRow): string {
  return item.kind === "job" ? `job.batch/${name}` : name;
}

/** What -o json prints. */
export function rowObject({ item }: ListRow): JsonObject {
  return item.kind === "job" ? jobObject(item.row) : daskObject(item.row);
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
