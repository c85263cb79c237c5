// Looks up, shows and cancels Prefect 2 and 3 flow runs for the commands: by id or name, the latest, logs, the page in the UI.

import { earlier, type Clock } from "../base/clock.ts";
import { byServersTime } from "../base/server-clock.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import {
  connectOnce,
  RECENT_LIMIT,
  type RunDirectory,
  type KnownRun,
  type LoggedLine,
  type LogQuery,
  type RecentRuns,
  type RunQuery,
} from "../orchestrator/run-directory.ts";
import type { Prefect3Client, Prefect3StateType } from "./client.ts";
import type { Prefect3Target } from "./settings.ts";
import { dateIn, textIn, type JsonObject } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";
import { shellWord } from "../base/shell-word.ts";
import { createdJob, hostOf, KUBERNETES_POOLS, waitReason } from "./waiting.ts";

/** Connects on first use. `clock`: the API's. */
export function prefect3Directory(
  target: UiTarget,
  connect: () => Promise<Prefect3Client>,
  clock: Pick<Clock, "now">,
): RunDirectory {
  const { client, close } = connectOnce(connect);
  return {
    address: target.url,
    runs: async (ids, signal) => {
      const found = await (await client()).flowRuns({ flow_runs: { id: { any_: ids } } }, signal);
      return new Map(found.map((run) => [run.id, run]));
    },
    knownIds: async (ids, signal) => {
      const api = await client();
      const kinds = ["flows", "deployments", "work_pools"].map((kind) =>
        api.rows(kind, { [kind]: { id: { any_: ids } } }, signal),
      );
      return new Set((await Promise.all(kinds)).flat().map((row) => textIn(row["id"]) ?? ""));
    },
    tenantId: () => Promise.resolve(undefined),
    agents: () => Promise.resolve(undefined),
    now: () => clock.now(),
    find: async (query, signal) => findFlowRuns(await client(), query, signal),
    recent: async (withinMs, signal) => recentRuns(await client(), { withinMs, clock }, signal),
    log: async (id, query, signal) => readLog(await client(), { id, ...query }, signal),
    waitReason: async (id, signal) => {
      const api = await client();
      const [run] = await api.rows("flow_runs", { flow_runs: { id: { any_: [id] } } }, signal);
      if (run === undefined) return undefined;
      const job = createdJob(run);
      const isWaiting = run["state_type"] === "SCHEDULED" || run["state_type"] === "PENDING";
      return job ?? (isWaiting ? waitReason(api, run, { now: clock.now(), signal }) : undefined);
    },
    hostOf: async (id, signal) => hostOf(await client(), id, signal),
    page: (id) => Promise.resolve(runPage(target, id)),
    cancel: async ({ id, state }) => {
      if (state !== undefined && isFinished(state.type)) return state.name;
      const api = await client();
      const host = await hostOf(api, id);
      if (host !== undefined) return cancelSubflow(api, id, host);
      if (state?.type === "cancelling") return "Cancelling";
      // Cancelling lets its process exit, if it has one: the API knows.
      const type = await api.setState(id, { type: "CANCELLING" }).catch((error: unknown) => {
        // Before Prefect 3.8 a paused run is only cancelled at once: it has no process.
        const isRefused = error instanceof PrefectError && error.failure === "refused";
        if (!isRefused || state?.type !== "paused") throw error;
        return api.setState(id, { type: "CANCELLED" });
      });
      return type === "cancelling" ? "Cancelling" : "Cancelled";
    },
    setCancelled: async (id, message) => {
      await (await client()).setState(id, { type: "CANCELLED", message });
    },
    close,
  };
}

/** A process cannot be told to end one of its subflows. When it has ended, nothing of the subflow runs any more. */
async function cancelSubflow(
  api: Pick<Prefect3Client, "setState">,
  id: string,
  host: KnownRun,
): Promise<string> {
  if (!isFinished(host.state.type)) {
    const why = `it is a subflow in the process of flow run "${host.name ?? host.id}", and cannot be cancelled alone`;
    const hint = `cancel that one with: kubectl prefect cancel ${shellWord(host.id)}`;
    throw new PrefectError(`cancel flow run "${id}"`, why, { failure: "refused", hint });
  }
  await api.setState(id, {
    type: "CANCELLED",
    message: `Cancelled: its parent flow run is ${host.state.name}`,
  });
  return "Cancelled";
}

const STARTED: readonly Prefect3StateType[] = ["PENDING", "RUNNING", "PAUSED", "CANCELLING"];
const POOLS = { type: { any_: KUBERNETES_POOLS } };
const ENDED: readonly Prefect3StateType[] = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];
/** Python's numbers. */
const LEVELS: readonly (readonly [from: number, name: string])[] = [
  [50, "CRITICAL"],
  [40, "ERROR"],
  [30, "WARNING"],
  [20, "INFO"],
  [0, "DEBUG"],
];

/** Runs of work pools that are due, claimed or running, and those that have ended within that time. Throws PrefectError. */
async function recentRuns(
  client: Pick<Prefect3Client, "flowRuns">,
  { withinMs, clock }: { readonly withinMs: number; readonly clock: Pick<Clock, "now"> },
  signal?: AbortSignal,
): Promise<RecentRuns> {
  const inState = (types: readonly Prefect3StateType[]): JsonObject => ({ state: { type: { any_: types } } });
  const read = (filter: JsonObject, sort = "EXPECTED_START_TIME_DESC"): Promise<readonly KnownRun[]> =>
    client.flowRuns({ flow_runs: filter, work_pools: POOLS, sort, limit: RECENT_LIMIT }, signal);
  return byServersTime(clock, async (now) => {
    const dueBy = { next_scheduled_start_time: { before_: now.toISOString() } };
    // Prefect 2 has no filter by the time of the end.
    const [ended, ...others] = await Promise.all([
      read(inState(ENDED), "END_TIME_DESC"),
      read(inState(STARTED)),
      read({ ...inState(["SCHEDULED"]), ...dueBy }),
    ]);
    const since = earlier(now, withinMs);
    const lately = ended.filter(({ state }) => state.since === undefined || state.since >= since);
    const lists = [...others, lately];
    return { runs: lists.flat(), isPartial: lists.some(({ length }) => length >= RECENT_LIMIT) };
  });
}

/** A page of a run's log. Throws PrefectError. */
async function readLog(
  client: Pick<Prefect3Client, "rows">,
  { id, since, errorsOnly, offset, limit, newestFirst }: LogQuery & { readonly id: string },
  signal?: AbortSignal,
): Promise<readonly LoggedLine[]> {
  const logs = {
    flow_run_id: { any_: [id] },
    ...(since && { timestamp: { after_: since.toISOString() } }),
    ...(errorsOnly === true && { level: { ge_: 40 } }),
  };
  const sort = newestFirst ? "TIMESTAMP_DESC" : "TIMESTAMP_ASC";
  const rows = await client.rows("logs", { logs, sort, offset, limit }, signal);
  return rows.map(({ timestamp, level, name, message }) => ({
    at: dateIn(timestamp),
    level: LEVELS.find(([from]) => typeof level === "number" && level >= from)?.[1] ?? "",
    logger: textIn(name) ?? "",
    message: textIn(message) ?? "",
  }));
}

type UiTarget = Pick<Prefect3Target, "url" | "uiUrl" | "cloudUiUrl">;

/** The run's page: below PREFECT_UI_URL, in a Prefect Cloud's UI, or where a server has its own. */
function runPage({ url, uiUrl, cloudUiUrl }: UiTarget, id: string): string {
  const [, cloud = "", account, workspace] = /^(.*)\/accounts\/([^/]+)\/workspaces\/([^/]+)/.exec(url) ?? [];
  const base = (api: string): string => api.replace(/\/api\/*$/, "");
  // As Prefect infers it, for its own domains; on others the UI is where the API is.
  const cloudUi =
    cloudUiUrl ?? base(cloud.replace(/^https:\/\/api(?=[.\w]*\.prefect\.[^./]+\/)/, "https://app"));
  const inferred =
    account === undefined ? base(url) : `${trimmed(cloudUi)}/account/${account}/workspace/${workspace}`;
  return `${trimmed(redactUrl(uiUrl ?? inferred))}/runs/flow-run/${id}`;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

type RunLookup = Pick<Prefect3Client, "flowRuns" | "countFlowRuns">;

/** `prefix + "g"` sorts after every id with this prefix. */
const AFTER_HEX_DIGITS = "g";
/** Runs that are created or deleted during the search shift the others; read so many extra runs on both sides. */
const MARGIN = 25;
const BY_ID = { sort: "ID_DESC" };
const ID_LENGTH = 36;

/** Throws PrefectError. */
export async function findFlowRuns(
  api: RunLookup,
  { name, idPrefix, limit }: RunQuery,
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  const [named, withPrefix] = await Promise.all([
    api.flowRuns({ flow_runs: { name: { any_: [name] } } }, signal),
    idPrefix === undefined ? [] : runsByIdPrefix(api, { idPrefix, limit }, signal),
  ]);
  return [...new Map([...named, ...withPrefix].map((run) => [run.id, run])).values()];
}

/** The API filters only by full id or name, but it can sort by id and skip to an offset, so prefixes are found by binary search. */
async function runsByIdPrefix(
  api: RunLookup,
  { idPrefix, limit }: { readonly idPrefix: string; readonly limit: number },
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  if (idPrefix.length === ID_LENGTH) return api.flowRuns({ flow_runs: { id: { any_: [idPrefix] } } }, signal);
  let low = 0;
  let high = await api.countFlowRuns(signal);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [run] = await api.flowRuns({ ...BY_ID, offset: middle, limit: 1 }, signal);
    // Descending order: runs with greater ids come first.
    if (run !== undefined && run.id > idPrefix + AFTER_HEX_DIGITS) low = middle + 1;
    else high = middle;
  }
  const page = { ...BY_ID, offset: Math.max(0, low - MARGIN), limit: limit + 2 * MARGIN };
  const runs = await api.flowRuns(page, signal);
  return runs.filter(({ id }) => id.startsWith(idPrefix)).slice(0, limit);
}
