// Looks up, shows and cancels Prefect 1 flow runs for the commands: by id or name, the latest, logs, the page in the UI.

import { earlier, type Clock } from "../base/clock.ts";
import { byServersTime } from "../base/server-clock.ts";
import { arrayIn, dateIn, objectIn, textIn } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import {
  connectOnce,
  RECENT_LIMIT,
  type LogQuery,
  type LoggedLine,
  type RecentRuns,
  type RunDirectory,
} from "../orchestrator/run-directory.ts";
import type { Prefect1Client } from "./client.ts";
import { KNOWN_FLOWS, LOG, RECENT_RUNS, TENANT_BY_ID } from "./queries.ts";
import { knownRunIn } from "./run-state.ts";
import { FINISHED, isoUtc, newState } from "./states.ts";

const ERRORS = ["ERROR", "CRITICAL"];
/** Run configs of agents that create no Kubernetes Jobs. */
const ELSEWHERE = /^(?!Kubernetes|Universal)\w+Run$/;

/** Connects on first use. `clock`: the API's. */
export function prefect1Directory(
  { address, ui }: { readonly address: string; readonly ui: string },
  connect: () => Promise<Prefect1Client>,
  clock: Pick<Clock, "now">,
): RunDirectory {
  const { client, close } = connectOnce(connect);
  return {
    address,
    runs: async (ids, signal) => (await client()).runs(ids, signal),
    knownIds: async (ids, signal) => {
      const api = await client();
      const where = { tenant_id: { _eq: await api.tenantId(signal) }, id: { _in: ids } };
      const rows = await api.graphql.rows(KNOWN_FLOWS, { where }, signal);
      return new Set(rows.map((row) => String(row["id"])));
    },
    tenantId: async (signal) => (await client()).tenantId(signal),
    agents: async (signal) => (await client()).agents(signal),
    now: () => clock.now(),
    recent: async (withinMs, signal) => recentRuns(await client(), { withinMs, clock }, signal),
    log: async (id, query, signal) => readLog(await client(), { id, ...query }, signal),
    page: async (id) => {
      const api = await client();
      const query = { ...TENANT_BY_ID, action: "find the run's page" };
      const [row] = await api.graphql.rows(query, { where: { id: { _eq: await api.tenantId() } } });
      const slug = textIn(row?.["slug"]) ?? "default";
      return `${redactUrl(ui).replace(/\/+$/, "")}/${encodeURIComponent(slug)}/flow-run/${id}`;
    },
    find: async (query, signal) => {
      const api = await client();
      const found = await api.findFlowRuns({ ...query, now: clock.now() }, signal);
      const ids = found.map(({ id }) => id);
      const known = await api.runs(ids, signal);
      return ids.flatMap((id) => known.get(id) ?? []);
    },
    cancel: async ({ id, state }) => {
      if (state !== undefined && isFinished(state.type)) return state.name;
      const api = await client();
      // A self-hosted server cancels the runs of all its tenants.
      if (state === undefined && !(await api.runs([id])).has(id)) throw notInTenant(id);
      return api.cancel(id);
    },
    setCancelled: async (flowRunId, message) =>
      (await client()).setState({ flowRunId, state: newState("Cancelled", message) }),
    close,
  };
}

/** Runs that are due, claimed or running, and those that ended within that time; the last changed first. */
async function recentRuns(
  client: Prefect1Client,
  { withinMs, clock }: { readonly withinMs: number; readonly clock: Pick<Clock, "now"> },
  signal?: AbortSignal,
): Promise<RecentRuns> {
  const tenant = await client.tenantId(signal);
  const { unfinished, ended } = await byServersTime(clock, (now) => {
    const since = earlier(now, withinMs);
    const span = { now: isoUtc(now), since: isoUtc(since), limit: RECENT_LIMIT };
    return client.graphql.request(RECENT_RUNS, { tenant, finished: FINISHED, ...span }, signal);
  });
  const kinds = [arrayIn(unfinished), arrayIn(ended)];
  const rows = kinds.flat().map(objectIn);
  const here = rows.filter((row) => !ELSEWHERE.test(textIn(objectIn(row["run_config"])["type"]) ?? ""));
  const runs = here.map((row) => knownRunIn({ ...row, updated: row["state_timestamp"] }));
  return { runs, isPartial: kinds.some(({ length }) => length >= RECENT_LIMIT) };
}

async function readLog(
  { graphql }: Prefect1Client,
  { id, since, errorsOnly, offset, limit, newestFirst }: LogQuery & { readonly id: string },
  signal?: AbortSignal,
): Promise<LoggedLine[]> {
  const where = {
    flow_run_id: { _eq: id },
    ...(since && { timestamp: { _gte: isoUtc(since) } }),
    ...(errorsOnly === true && { level: { _in: ERRORS } }),
  };
  const variables = { where, offset, limit, order: [{ timestamp: newestFirst ? "desc" : "asc" }] };
  const rows = await graphql.rows(LOG, variables, signal);
  return rows.map(({ timestamp, level, name, message }) => ({
    at: dateIn(timestamp),
    level: textIn(level) ?? "",
    logger: textIn(name) ?? "",
    message: textIn(message) ?? "",
  }));
}

function notInTenant(id: string): PrefectError {
  const hint = "check the API address and the tenant; --keep-state removes it from the cluster alone";
  const details = { failure: "refused", hint } as const;
  return new PrefectError(`cancel flow run "${id}"`, "Prefect has no such flow run", details);
}
