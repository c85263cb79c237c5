// The read-only queries of `doctor` to a Prefect 1 API.

import { arrayIn, dateIn, objectIn, textIn, type JsonObject } from "../base/json.ts";
import type { ClaimRecord } from "../orchestrator/flow-run.ts";
import { claimIn } from "./claim.ts";
import type { Graphql } from "./graphql.ts";
import * as queries from "./queries.ts";
import { isoUtc, stateIn } from "./states.ts";

/** A Scheduled flow run whose start time has come. */
export interface DueRun {
  readonly name: string;
  readonly labels: readonly string[];
  readonly dueAt: Date;
}

/** A flow run that is Submitted, or Running without recent heartbeats. */
export type StalledRun = ReturnType<typeof stalledRunIn>;

const LIMIT = 500;

export type DoctorQueries = ReturnType<typeof doctorQueries>;

/** All throw PrefectError. */
export function doctorQueries(
  graphql: Pick<Graphql, "rows" | "object" | "request">,
  tenantId: (signal?: AbortSignal) => Promise<string>,
) {
  /** At most 500 of the tenant's flow runs. */
  const runs = async (
    query: queries.Query,
    { where, order }: { readonly where: JsonObject; readonly order: JsonObject },
    signal?: AbortSignal,
  ): Promise<readonly JsonObject[]> => {
    const own = { tenant_id: { _eq: await tenantId(signal) }, ...where };
    return graphql.rows(query, { where: own, order: [order], limit: LIMIT }, signal);
  };
  return {
    hello: async (signal?: AbortSignal): Promise<void> => {
      await graphql.request(queries.HELLO, undefined, signal);
    },
    /** `server` or `cloud`; undefined if the API does not tell. */
    backend: async (signal?: AbortSignal): Promise<string | undefined> => {
      const { backend } = await graphql.object(queries.API, undefined, signal);
      return textIn(backend)?.toLowerCase();
    },
    /** The name of the current tenant, or its id; undefined when the API has no tenant with its id. */
    tenant: async (signal?: AbortSignal): Promise<string | undefined> => {
      const where = { id: { _eq: await tenantId(signal) } };
      const [row] = await graphql.rows(queries.TENANT_BY_ID, { where }, signal);
      return row && (textIn(row["name"]) || textIn(row["id"]));
    },
    /** Those that were due before `before`, the oldest first. */
    dueRuns: async (before: Date, signal?: AbortSignal): Promise<readonly DueRun[]> => {
      const where = { state: { _eq: "Scheduled" }, state_start_time: { _lte: isoUtc(before) } };
      const rows = await runs(queries.DUE_RUNS, { where, order: { state_start_time: "asc" } }, signal);
      return rows.map((row) => ({
        name: textIn(row["name"]) ?? "",
        labels: arrayIn(row["labels"]).map(String),
        // Never missing: the query filters by it.
        dueAt: dateIn(row["state_start_time"]) ?? before,
      }));
    },
    /** Submitted runs, and Running runs whose last heartbeat is older than `before`. */
    stalledRuns: async (before: Date, signal?: AbortSignal): Promise<readonly StalledRun[]> => {
      const silent = { state: { _eq: "Running" }, heartbeat: { _lte: isoUtc(before) } };
      const where = { _or: [{ state: { _eq: "Submitted" } }, silent] };
      const rows = await runs(queries.STALLED_RUNS, { where, order: { heartbeat: "asc" } }, signal);
      return rows.map(stalledRunIn);
    },
    /** Which agents of kubectl-prefect have claimed the runs that are Submitted or Running, and where. */
    claims: async (signal?: AbortSignal): Promise<readonly Pick<ClaimRecord, "agent" | "place">[]> => {
      const where = { state: { _in: ["Submitted", "Running"] } };
      const order = { state_timestamp: "desc_nulls_last" };
      const rows = await runs(queries.CLAIMS, { where, order }, signal);
      const states = rows.flatMap((row) => arrayIn(row["states"]).map(objectIn));
      return states.flatMap((state) => claimIn(stateIn(state["serialized_state"])) ?? []);
    },
  };
}

function stalledRunIn(row: JsonObject) {
  const settings = objectIn(objectIn(objectIn(row["flow"])["flow_group"])["settings"]);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    state: textIn(row["state"]) ?? "",
    stateAt: dateIn(row["state_timestamp"]),
    heartbeatAt: dateIn(row["heartbeat"]),
    timesResurrected: Number(row["times_resurrected"] ?? 0),
    /** False if the flow's settings disable heartbeats or Lazarus: then Prefect does not reschedule the run. */
    lazarusEnabled: settings["heartbeat_enabled"] !== false && settings["lazarus_enabled"] !== false,
    /** Where an agent of kubectl-prefect has claimed the run for; undefined: another agent's claim. */
    place: claimIn(stateIn(row["serialized_state"]))?.place,
  };
}
