// Why a flow run of Prefect 2 or 3 does not start: its work pool or queue is paused or full, nobody polls it, or it was deleted.

import { timeBetween } from "../base/duration.ts";
import { dateIn, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { shellWord } from "../base/shell-word.ts";
import type { KnownRun, WaitReason } from "../orchestrator/run-directory.ts";
import { knownRunIn, type Prefect3Client } from "./client.ts";

type Api = Pick<Prefect3Client, "rows" | "countFlowRuns">;
type Reason = WaitReason | undefined;

/** The types of work pools whose runs have Jobs: a worker's, and one of Prefect 2's agent. */
export const KUBERNETES_POOLS = ["kubernetes", "prefect-agent"];
/** A worker without an interval of its own sends a heartbeat so often; one that misses three is offline (Prefect's Foreman). */
const HEARTBEAT_S = 30;
const MISSED_HEARTBEATS = 3;
/** Subflows of subflows. */
const MAX_DEPTH = 20;
const MAX_NAMED = 3;

/** What a run waits for. */
interface Waiting {
  readonly run: JsonObject;
  readonly pool: JsonObject;
  /** {}: unknown. */
  readonly queue: JsonObject;
  /** That which sent the latest heartbeat first. */
  readonly workers: readonly JsonObject[];
  /** By the API's clock. */
  readonly now: Date;
}

/** Why a run that is scheduled or pending does not start. `run`: its row. Throws PrefectError. */
export async function waitReason(
  api: Api,
  run: JsonObject,
  { now, signal }: { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<WaitReason> {
  if (isRetriedInProcess(run)) return { reason: "its own process is to run it again, and is not here" };
  const name = textIn(run["work_pool_name"]);
  if (name === undefined) return withoutPool(run);
  const queueId = textIn(run["work_queue_id"]);
  const [[pool], [queue = {}], workers] = await Promise.all([
    api.rows("work_pools", { work_pools: { name: { any_: [name] } } }, signal),
    queueId === undefined
      ? []
      : api.rows("work_queues", { work_queues: { id: { any_: [queueId] } } }, signal),
    api.rows(`work_pools/${encodeURIComponent(name)}/workers`, {}, signal),
  ]);
  if (pool === undefined) return withoutPool(run);
  const latestFirst = workers.toSorted((left, right) => seenMs(right) - seenMs(left));
  const waiting: Waiting = { run, pool, queue, workers: latestFirst, now };
  if (run["state_type"] === "PENDING") return claimed(waiting);
  return heldBack(waiting) ?? unpolled(waiting) ?? (await full(api, waiting, signal)) ?? taken(waiting);
}

/** The Job that its worker has created for a run that is no longer scheduled, by the id that the worker noted. */
export function createdJob(run: JsonObject): WaitReason | undefined {
  // With the cluster's uid in front of it before Prefect 3.4.
  const [, namespace, job] = /([^:]+):([^:]+)$/.exec(textIn(run["infrastructure_pid"]) ?? "") ?? [];
  if (job === undefined || run["state_type"] === "SCHEDULED") return undefined;
  return { reason: `Job "${job}" in namespace "${namespace}" was created for it` };
}

/** Runs of deployments that were due by then, of Kubernetes work pools or without any; up to 200 of each. Throws PrefectError. */
export async function lateRuns(api: Api, dueBy: Date, signal?: AbortSignal): Promise<readonly JsonObject[]> {
  const late = {
    state: { type: { any_: ["SCHEDULED"] } },
    next_scheduled_start_time: { before_: dueBy.toISOString() },
    deployment_id: { is_null_: false },
  };
  const query = { flow_runs: late, sort: "NEXT_SCHEDULED_START_TIME_ASC" };
  // No filter selects those without a pool.
  const [ofPools, all] = await Promise.all([
    api.rows("flow_runs", { ...query, work_pools: { type: { any_: KUBERNETES_POOLS } } }, signal),
    api.rows("flow_runs", query, signal),
  ]);
  const withoutPool = all.filter((run) => textIn(run["work_pool_name"]) === undefined);
  return [...ofPools, ...withoutPool].filter((run) => !isRetriedInProcess(run));
}

/** Whether its process waits to run it again; workers do not get it. */
function isRetriedInProcess(run: JsonObject): boolean {
  const { retry_type: by } = objectIn(run["empirical_policy"]);
  return run["state_type"] === "SCHEDULED" && by === "in_process";
}

/** The nearest ancestor with a process of its own; undefined: the run has one, as all runs of deployments. Throws PrefectError. */
export async function hostOf(api: Api, id: string, signal?: AbortSignal): Promise<KnownRun | undefined> {
  let found: JsonObject | undefined;
  let [run] = await api.rows("flow_runs", { flow_runs: { id: { any_: [id] } } }, signal);
  for (let depth = 0; run !== undefined && depth < MAX_DEPTH; depth++) {
    if (depth > 0) found = run;
    const task = textIn(run["parent_task_run_id"]);
    if (task === undefined || textIn(run["deployment_id"]) !== undefined) break;
    [run] = await api.rows("flow_runs", { task_runs: { id: { any_: [task] } } }, signal);
  }
  return found && knownRunIn(found);
}

function withoutPool(run: JsonObject): WaitReason {
  if (textIn(run["deployment_id"]) === undefined)
    return { reason: "it has neither a deployment nor a work pool, so no worker takes it" };
  return {
    reason: "it has no work pool: the pool was deleted, or its deployment never had one",
    hint: "deploy the flow to a work pool and start a new run, or start the process that serves the deployment",
  };
}

/** Paused, or of a type whose workers create no Jobs. */
function heldBack({ pool, queue }: Waiting): Reason {
  const type = textIn(pool["type"]) ?? "";
  if (!KUBERNETES_POOLS.includes(type))
    return { reason: `${poolText(pool)} is of type ${type}: its runs get no Job` };
  const name = nameOf(pool);
  if (pool["is_paused"] === true)
    return {
      reason: `${poolText(pool)} is paused`,
      hint: `resume it with: prefect work-pool resume ${shellWord(name)}`,
    };
  if (queue["is_paused"] !== true) return undefined;
  const resume = `prefect work-queue resume ${shellWord(nameOf(queue))} --pool ${shellWord(name)}`;
  return { reason: `${queueText(queue)} of ${poolText(pool)} is paused`, hint: `resume it with: ${resume}` };
}

/** The concurrency limit that is reached, of the pool or the queue. */
async function full(api: Api, { pool, queue }: Waiting, signal?: AbortSignal): Promise<Reason> {
  const flow_runs = { state: { type: { any_: ["PENDING", "RUNNING"] } } };
  const [inPool, inQueue] = [
    { work_pools: { name: { any_: [nameOf(pool)] } } },
    // The queue's name does not select the runs of a default queue.
    { work_pool_queues: { id: { any_: [queue["id"]] } } },
  ];
  for (const [limited, only, what] of [
    [pool, inPool, poolText(pool)],
    [queue, inQueue, `${queueText(queue)} of ${poolText(pool)}`],
  ] as const) {
    const limit = limited["concurrency_limit"];
    if (typeof limit !== "number") continue;
    if ((await api.countFlowRuns(signal, { flow_runs, ...only })) < limit) continue;
    const hint = "pending and running flow runs count: list them with: kubectl prefect jobs -A";
    return { reason: `the concurrency limit of ${what} is reached (${limit})`, hint };
  }
  return undefined;
}

/** That nobody polls the pool, or the queue. */
function unpolled({ pool, queue, workers, now }: Waiting): Reason {
  const [what, command] = isForAgents(pool)
    ? ["agent", "prefect agent start"]
    : ["worker", "prefect worker start"];
  const start = `start one with: ${command} --pool ${shellWord(nameOf(pool))}`;
  const [latest] = workers;
  if (what === "worker" && !workers.some((worker) => isOnline(worker, now))) {
    const last = latest === undefined ? "none has asked for flow runs yet" : seenText(latest, now);
    return { reason: `${poolText(pool)} has no online worker: ${last}`, hint: start };
  }
  // So it is when nobody has polled it for a minute. Before Prefect 2.14 queues have no status.
  if (queue["status"] !== "NOT_READY") return undefined;
  const reason = `no ${what} polls ${queueText(queue)} of ${poolText(pool)}`;
  return { reason, hint: `${start} --work-queue ${shellWord(nameOf(queue))}` };
}

function taken({ run, pool, workers, now }: Waiting): WaitReason {
  if (run["state_name"] === "AwaitingConcurrencySlot")
    return { reason: "the concurrency limit of its deployment is reached" };
  const online = workers.filter((worker) => isOnline(worker, now)).slice(0, MAX_NAMED);
  const named = online.map((worker) => `"${nameOf(worker)}"`).join(", ");
  const who = isForAgents(pool) ? "an agent" : `worker ${named}`;
  return { reason: `${who} of ${poolText(pool)} takes such runs; its log tells why not yet` };
}

/** Whether Prefect 2's agents poll it: they send no heartbeats. */
function isForAgents(pool: JsonObject): boolean {
  return pool["type"] === "prefect-agent";
}

/** The worker that has claimed the run, if it tells, and whether it is still online. */
function claimed({ run, pool, workers, now }: Waiting): WaitReason {
  const by = textIn(objectIn(run["labels"])["prefect.worker.name"]);
  const candidates = by === undefined ? workers : workers.filter((worker) => nameOf(worker) === by);
  const who = by === undefined ? "a worker" : `worker "${by}"`;
  const reason = `${who} of ${poolText(pool)} has claimed it`;
  if (candidates.some((worker) => isOnline(worker, now))) return { reason };
  const [latest] = candidates;
  const last = latest === undefined ? "" : `: ${seenText(latest, now)}`;
  return {
    reason: `${reason}, and ${by === undefined ? "none is online" : "is offline"}${last}`,
    hint: "no worker takes it again: if it has no Job anywhere, cancel it and start a new run",
  };
}

function isOnline(worker: JsonObject, now: Date): boolean {
  const interval = worker["heartbeat_interval_seconds"];
  const seconds = MISSED_HEARTBEATS * (typeof interval === "number" ? interval : HEARTBEAT_S);
  return now.getTime() - seenMs(worker) <= seconds * 1_000;
}

function seenMs(worker: JsonObject): number {
  return dateIn(worker["last_heartbeat_time"])?.getTime() ?? 0;
}

function seenText(worker: JsonObject, now: Date): string {
  return `"${nameOf(worker)}" was last seen ${timeBetween(new Date(seenMs(worker)), now)} ago`;
}

function nameOf(row: JsonObject): string {
  return textIn(row["name"]) ?? "";
}

function poolText(pool: JsonObject): string {
  return `work pool "${nameOf(pool)}"`;
}

function queueText(queue: JsonObject): string {
  return `work queue "${nameOf(queue)}"`;
}
