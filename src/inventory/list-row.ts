// Inventory: the lines of a listing, whatever they are of: Jobs first, then Dask clusters. Pure.

import type { JsonObject } from "../base/json.ts";
import { daskName, daskObject, daskPods, daskPodsText, daskRows, daskCreatedAt } from "./dask-row.ts";
import type { DaskRow } from "./dask-row.ts";
import type { Inventory, InventoryRun } from "./inventory.ts";
import { imageOf, jobObject, jobRows, nodeOf, podsText, restartsText } from "./job-row.ts";
import type { JobRow } from "./job-row.ts";
import { restartsOf } from "./pod-status.ts";

/** A line: what every listed thing has, and the thing itself. */
export interface ListRow {
  readonly subject:
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

/** All lines of an inventory, those of a namespace together. */
export function listRows(inventory: Pick<Inventory, "runs" | "unownedDask">, now: Date): readonly ListRow[] {
  const rows = [...jobRows(inventory.runs, now).map(ofJob), ...daskRows(inventory).map(ofDask)];
  return rows.sort((left, right) =>
    left.namespace < right.namespace ? -1 : +(left.namespace > right.namespace),
  );
}

/** What -o name prints. */
export function resourceName({ subject, name }: ListRow): string {
  return subject.kind === "job" ? `job.batch/${name}` : name;
}

/** What -o json prints. */
export function rowObject({ subject }: ListRow): JsonObject {
  return subject.kind === "job" ? jobObject(subject.row) : daskObject(subject.row);
}

function ofJob(row: JobRow): ListRow {
  const { run, job: print, decision } = row;
  const { name, creationTimestamp } = print.job.metadata;
  return {
    subject: { kind: "job", row },
    namespace: run.namespace,
    run,
    name,
    pods: podsText(print, run.podsForbidden),
    restarts: run.podsForbidden === true ? undefined : restartsText(print),
    createdAt: new Date(creationTimestamp),
    node: nodeOf(print),
    image: imageOf(print),
    decision,
  };
}

function ofDask(row: DaskRow): ListRow {
  const { dask, run, decision } = row;
  const pods = daskPods(dask);
  return {
    subject: { kind: "dask", row },
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
