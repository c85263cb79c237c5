// The read-only queries of `doctor` to a Prefect 1 API.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type { Place } from "../orchestrator/place.ts";
import { claimIn } from "./claim.ts";
import type { Graphql, Operation } from "./graphql.ts";
import * as documents from "./queries.ts";
import { parseDate, stateIn } from "./run-state.ts";
import { isoUtc } from "./states.ts";

/** A registered agent; Prefect never deletes its row. */
export interface RegisteredAgent {
  readonly name: string;
  readonly labels: readonly string[];
  /** When it last asked for due runs. */
  readonly lastPolledAt: Date | undefined;
}

/** A Scheduled flow run whose start time has come. */
export interface DueRun {
  readonly name: string;
  readonly labels: readonly string[];
  readonly dueAt: Date;
}

/** A flow run that is Submitted, or Running without recent heartbeats. */
export interface StalledRun {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly stateAt: Date | undefined;
  readonly heartbeatAt: Date | undefined;
  readonly timesResurrected: number;
  /** False if the flow's settings disable heartbeats or Lazarus: then Prefect does not reschedule the run. */
  readonly lazarusEnabled: boolean;
  /** Where an agent of kubectl-prefect has claimed the run for; undefined: another agent's claim. */
  readonly place: Place | undefined;
}

/** At most this many rows are read. */
const LIMIT = 500;

export type DoctorQueries = ReturnType<typeof doctorQueries>;

/** All throw PrefectError. */
export function doctorQueries(
  graphql: Pick<Graphql, "request">,
  tenantId: (signal?: AbortSignal) => Promise<string>,
) {
  /** The rows of the document's only table. */
  const rows = async (query: Operation): Promise<readonly JsonObject[]> => {
    const variables = { tenant: await tenantId(query.signal), ...query.variables };
    const [table] = Object.values(await graphql.request({ ...query, variables }));
    return arrayIn(table).map(objectIn);
  };
  return {
    hello: async (signal?: AbortSignal): Promise<void> => {
      const query = { action: "reach the Prefect API", name: "hello", document: documents.HELLO };
      await graphql.request({ ...query, signal });
    },
    /** `server` or `cloud`; undefined if the API does not tell. */
    backend: async (signal?: AbortSignal): Promise<string | undefined> => {
      const query = { action: "read the backend of the API", name: "api", document: documents.API };
      const data = await graphql.request({ ...query, signal });
      return textIn(objectIn(data["api"])["backend"])?.toLowerCase();
    },
    /** The name of the current tenant, or its id; undefined when the API has no tenant with its id. */
    tenant: async (signal?: AbortSignal): Promise<string | undefined> => {
      const query = { action: "read the tenant", name: "tenant", document: documents.TENANT_BY_ID };
      const [row] = await rows({ ...query, signal });
      return row && (textIn(row["name"]) || textIn(row["id"]));
    },
    /** Ordered by their last poll, most recent first. */
    agents: async (signal?: AbortSignal): Promise<readonly RegisteredAgent[]> => {
      const query = { action: "list agents", name: "agent", document: documents.AGENTS };
      const found = await rows({ ...query, variables: { limit: LIMIT }, signal });
      return found.map((row) => ({ ...namedIn(row), lastPolledAt: parseDate(row["last_queried"]) }));
    },
    /** Those that were due before `before`, the oldest first. */
    dueRuns: async (before: Date, signal?: AbortSignal): Promise<readonly DueRun[]> => {
      const query = { action: "list due flow runs", name: "flow_run_late", document: documents.DUE_RUNS };
      const found = await rows({ ...query, variables: { before: isoUtc(before), limit: LIMIT }, signal });
      // The date is never missing: the query filters by it.
      return found.map((row) => ({ ...namedIn(row), dueAt: parseDate(row["state_start_time"]) ?? before }));
    },
    /** Submitted runs, and Running runs whose last heartbeat is older than `before`. */
    stalledRuns: async (before: Date, signal?: AbortSignal): Promise<readonly StalledRun[]> => {
      const query = { action: "list stalled runs", name: "stalled_runs", document: documents.STALLED_RUNS };
      const found = await rows({ ...query, variables: { before: isoUtc(before), limit: LIMIT }, signal });
      return found.map(stalledRunIn);
    },
  };
}

function namedIn(row: JsonObject): { readonly name: string; readonly labels: readonly string[] } {
  return { name: textIn(row["name"]) ?? "", labels: arrayIn(row["labels"]).map(String) };
}

function stalledRunIn(row: JsonObject): StalledRun {
  const settings = objectIn(objectIn(objectIn(row["flow"])["flow_group"])["settings"]);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    state: textIn(row["state"]) ?? "",
    stateAt: parseDate(row["state_timestamp"]),
    heartbeatAt: parseDate(row["heartbeat"]),
    timesResurrected: Number(row["times_resurrected"] ?? 0),
    lazarusEnabled: settings["heartbeat_enabled"] !== false && settings["lazarus_enabled"] !== false,
    place: claimIn(stateIn(row["serialized_state"]))?.place,
  };
}
