// Inventory: one Job of a flow run as a line of a table, or as an object for -o json. Pure.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { Decision } from "../job/decide/types.ts";
import { isUuid } from "../base/uuid.ts";
import type { ObservedJob } from "../job/observe/observed.ts";
import { flowContainerName } from "../job/observe/observed.ts";
import type { JsonObject } from "../base/json.ts";
import type { Container, Pod } from "../kube/client/objects.ts";
import type { InventoryRun } from "./inventory.ts";
import { decideJob } from "./run-decision.ts";
import { isReady, podStatus, restartsOf } from "./pod-status.ts";

/** What is shown of a Job. */
export interface JobRow {
  readonly run: InventoryRun;
  readonly job: ObservedJob;
  readonly decision: Decision;
}

/** A row for every Job, in the order of the runs. */
export function jobRows(runs: readonly InventoryRun[], now: Date): readonly JobRow[] {
  return runs.flatMap((run) =>
    run.observed.jobs.map((job) => ({ run, job, decision: decideJob(run, job, now) })),
  );
}

/** Prefect's word for a state; `<unknown>` where nobody could be asked, `<deleted>` where there is no such run. */
export function stateText(view: RunStatus): string {
  if (view.kind === "known") return view.state.name;
  return view.kind === "missing" ? "<deleted>" : "<unknown>";
}

/** The same of a run; a label that is no id names none, and none was deleted. */
export function runStateText({ status: run, flowRunId }: Pick<InventoryRun, "status" | "flowRunId">): string {
  return run.kind === "missing" && !isUuid(flowRunId) ? "<none>" : stateText(run);
}

/** Ready pods of all, and the newest one's status: `1/1 Running`. Without pods: `0/0`. `<unknown>` where they may not be listed. */
export function podsText({ pods }: ObservedJob, unseen = false): string {
  if (unseen) return "<unknown>";
  const newest = pods.at(-1);
  const counted = `${pods.filter(isReady).length}/${pods.length}`;
  return newest === undefined ? counted : `${counted} ${podStatus(newest)}`;
}

/** Restarts of all containers of all its pods. */
export function restartsText({ pods }: ObservedJob): number {
  return pods.reduce((sum, pod) => sum + restartsOf(pod), 0);
}

/** The node of the newest pod. */
export function nodeOf({ pods }: ObservedJob): string | undefined {
  return pods.at(-1)?.spec.nodeName;
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
  const { name, namespace, uid, creationTimestamp, labels } = observed.job.metadata;
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "FlowRunJob",
    metadata: { name, namespace, uid, creationTimestamp, labels },
    flowRun: {
      id: run.flowRunId,
      name: run.name,
      prefect: run.prefectVersion,
      state: stateObject(run.status),
    },
    status: decision.status,
    reason: decision.reason,
    image: imageOf(observed),
    pods: run.podsForbidden === true ? null : observed.pods.map(podObject),
    restarts: run.podsForbidden === true ? null : restartsText(observed),
    jobStatus: observed.job.status,
  };
}

/** A pod in -o json: what the table and the tree show of it. */
export function podObject(pod: Pod): JsonObject {
  const specs = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])];
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    creationTimestamp: pod.metadata.creationTimestamp,
    status: podStatus(pod),
    phase: pod.status.phase,
    ready: isReady(pod),
    restarts: restartsOf(pod),
    node: pod.spec.nodeName,
    containers: specs.map((spec) => containerObject(pod, spec)),
  };
}

function containerObject(pod: Pod, spec: Container): JsonObject {
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const status = statuses.find((each) => each.name === spec.name);
  return {
    name: spec.name,
    image: spec.image,
    restarts: status?.restartCount ?? 0,
    state: status?.state,
    lastState: status?.lastState,
  };
}

/** A run's state in -o json; null where it is not known. */
export function stateObject(view: RunStatus): JsonObject | null {
  if (view.kind === "unknown") return null;
  if (view.kind === "missing") return { type: null, word: stateText(view), message: null };
  const { type, message = null } = view.state;
  return { type, word: stateText(view), message, since: view.state.since?.toISOString() };
}
