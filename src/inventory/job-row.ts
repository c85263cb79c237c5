// Inventory: one Job of a flow run as a row of a table, or as an object for -o json. Pure.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { Decision } from "../job/decide/types.ts";
import { isUuid } from "../base/uuid.ts";
import { containersOf, containerStatuses, flowContainerName } from "../job/observe/flow-container.ts";
import type { ObservedJob } from "../job/observe/observed.ts";
import type { JsonObject } from "../base/json.ts";
import type { Container, Pod } from "../kube/client/objects.ts";
import type { InventoryRun } from "./inventory.ts";
import { decideJobs, type DecidedJob } from "./run-decision.ts";
import { isReady, podStatus, restartsOf } from "./pod-status.ts";
import { isGone, pollText } from "./run-owner.ts";

export interface JobRow extends DecidedJob {
  readonly run: InventoryRun;
}

/** One row for each Job, in the order of the runs. */
export function jobRows(runs: readonly InventoryRun[], now: Date): readonly JobRow[] {
  return runs.flatMap((run) =>
    decideJobs(run, now).map(({ job, decision }) => ({ run, job, decision: withOwner(decision, run) })),
  );
}

/** The reason also says that nobody reports how the Job ends. */
function withOwner(decision: Decision, { owner }: InventoryRun): Decision {
  if (owner === undefined || !isGone(owner)) return decision;
  const gone = `its agent "${owner.name}" ${pollText(owner)}`;
  return { ...decision, reason: [decision.reason, gone].filter((part) => part !== "").join("; ") };
}

/** Prefect's name of the state; `<unknown>` if it could not be read, `<deleted>` if Prefect has no such run. */
export function stateText(status: RunStatus): string {
  if (status.kind === "known") return status.state.name;
  return status.kind === "missing" ? "<deleted>" : "<unknown>";
}

/** The same for a run; `<none>` if its label is not a flow run id. */
export function runStateText({ status: run, flowRunId }: Pick<InventoryRun, "status" | "flowRunId">): string {
  return isUuid(flowRunId) ? stateText(run) : "<none>";
}

/** The image that runs the flow: the newest pod's, else the one in the Job's template. */
export function imageOf({ job, pods }: ObservedJob): string | undefined {
  const newest = pods.at(-1);
  const containers = (newest?.spec ?? job.spec.template?.spec)?.containers ?? [];
  const name = newest === undefined ? undefined : flowContainerName(newest);
  const flow = containers.find((each) => each.name === (name ?? "flow")) ?? containers[0];
  return flow?.image;
}

/** The row as -o json and yaml print it. Its fields are a contract. */
export function jobObject({ run, job: observed, decision }: JobRow): JsonObject {
  const isForbidden = run.podsForbidden === true;
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "FlowRunJob",
    metadata: metadataObject(observed),
    deleted: observed.gone,
    flowRun: flowRunObject(run),
    status: decision.status,
    reason: decision.reason,
    image: imageOf(observed),
    pods: isForbidden ? null : observed.pods.map(podObject),
    restarts: isForbidden ? null : restartsOf(observed.pods),
    jobStatus: observed.job.status,
  };
}

/** What -o json prints of a Job's metadata. */
export function metadataObject({ job }: ObservedJob): JsonObject {
  const { name, namespace, uid, creationTimestamp, labels } = job.metadata;
  return { name, namespace, uid, creationTimestamp, labels };
}

/** The run's agent in -o json, if it is known. */
function ownerObject({ owner }: InventoryRun): JsonObject {
  if (owner === undefined) return {};
  const { name, labels, silentMs = null } = owner;
  const lastPolledSecondsAgo = silentMs === null ? null : Math.round(silentMs / 1_000);
  return { agent: { name, labels, lastPolledSecondsAgo, gone: isGone(owner) } };
}

/** The metadata of a run's own object. */
export function runMetadata({ flowRunId: uid, name = uid, namespace }: InventoryRun): JsonObject {
  return { name, namespace: namespace || undefined, uid };
}

/** A run in the objects of its Jobs and Dask clusters. */
export function flowRunObject(run: InventoryRun): JsonObject {
  const { flowRunId: id, name, prefectVersion: prefect, status } = run;
  return { id, name, prefect, state: stateObject(status), ...ownerObject(run) };
}

/** A pod in -o json: what the table and the tree show of it. */
export function podObject(pod: Pod): JsonObject {
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    creationTimestamp: pod.metadata.creationTimestamp,
    status: podStatus(pod),
    phase: pod.status.phase,
    ready: isReady(pod),
    restarts: restartsOf([pod]),
    node: pod.spec.nodeName,
    containers: containersOf(pod).map((spec) => containerObject(pod, spec)),
  };
}

function containerObject(pod: Pod, spec: Container): JsonObject {
  const status = containerStatuses(pod).find((each) => each.name === spec.name);
  return {
    name: spec.name,
    image: spec.image,
    restarts: status?.restartCount ?? 0,
    state: status?.state,
    lastState: status?.lastState,
  };
}

/** A run's state in -o json; null if it is unknown. */
function stateObject(status: RunStatus): JsonObject | null {
  if (status.kind === "unknown") return null;
  if (status.kind === "missing") return { type: null, name: stateText(status), message: null };
  const { type, message = null, since, dueAt } = status.state;
  return {
    type,
    name: stateText(status),
    message,
    since: since?.toISOString(),
    dueAt: dueAt?.toISOString(),
  };
}
