// The read-only queries of `doctor` to a Prefect 1 API: its version, tenant, agents, due runs and stalled runs.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { claimIn } from "./claim.ts";
import type { ClaimContext } from "./claim.ts";
import * as documents from "./queries.ts";
import type { Graphql } from "./graphql.ts";
import { stateIn } from "./run-state.ts";
import { isoUtc } from "./states.ts";

export interface ApiInfo {
  /** `SERVER` or `CLOUD`. */
  readonly backend: string | undefined;
  readonly version: string | undefined;
  readonly coreVersion: string | undefined;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
}

/** A registered agent; Prefect never deletes its row. */
export interface RegisteredAgent {
  readonly id: string;
  readonly name: string;
  /** `KubernetesAgent`, `LocalAgent` … */
  readonly type: string;
  readonly labels: readonly string[];
  /** When it last asked for due runs. */
  readonly lastPolledAt: Date | undefined;
}

/** A Scheduled flow run whose start time has come. */
export interface DueRun {
  readonly id: string;
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
  /** Cluster and namespace for which a kubectl-prefect agent has claimed the run; undefined: another agent's claim. */
  readonly scope: string | undefined;
}

/** All throw PrefectError. */
export interface DoctorQueries {
  hello(signal?: AbortSignal): Promise<void>;
  apiInfo(signal?: AbortSignal): Promise<ApiInfo>;
  /** The current tenant; undefined when the API has no tenant with its id. */
  tenant(signal?: AbortSignal): Promise<Tenant | undefined>;
  /** Ordered by their last poll, most recent first. */
  agents(limit: number, signal?: AbortSignal): Promise<readonly RegisteredAgent[]>;
  /** Ordered by start time, oldest first. */
  dueRuns(query: { readonly before: Date; readonly limit: number }, signal?: AbortSignal): Promise<DueRun[]>;
  /** Submitted runs, and Running runs whose last heartbeat is older than `before`. */
  stalledRuns(
    query: { readonly before: Date; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<StalledRun[]>;
}

/** A query for rows of one tenant. */
interface ListQuery {
  /** Follows "cannot" in error messages. */
  readonly action: string;
  readonly name: string;
  readonly document: string;
  /** The field of the response that holds the rows. */
  readonly field: string;
}

const LIST_QUERIES = {
  agents: { action: "list agents", name: "agent", document: documents.AGENTS, field: "agent" },
  dueRuns: {
    action: "list due flow runs",
    name: "flow_run_late",
    document: documents.DUE_RUNS,
    field: "flow_run",
  },
  stalledRuns: {
    action: "list stalled flow runs",
    name: "flow_run_stalled",
    document: documents.STALLED_RUNS,
    field: "flow_run",
  },
} as const satisfies Readonly<Record<string, ListQuery>>;

export function doctorQueries(
  graphql: Pick<Graphql, "request">,
  tenantId: (signal?: AbortSignal) => Promise<string>,
): DoctorQueries {
  const rowsOf = async (
    list: ListQuery,
    filter: JsonObject,
    signal?: AbortSignal,
  ): Promise<readonly JsonObject[]> => {
    const { action, name, document, field } = list;
    const variables = { tenant: await tenantId(signal), ...filter };
    const data = await graphql.request({ action, name, document, variables, signal });
    return arrayIn(data[field]).map(objectIn);
  };
  return {
    hello: async (signal) => {
      await graphql.request({
        action: "reach the Prefect API",
        name: "hello",
        document: documents.HELLO,
        signal,
      });
    },
    apiInfo: async (signal) => {
      const action = "read the version of the Prefect API";
      const data = await graphql.request({ action, name: "api", document: documents.API, signal });
      const api = objectIn(data["api"]);
      const text = (key: string): string | undefined => textIn(api[key]) || undefined;
      return { backend: text("backend"), version: text("version"), coreVersion: text("core_version") };
    },
    tenant: async (signal) => {
      const variables = { id: await tenantId(signal) };
      const document = documents.TENANT_BY_ID;
      const data = await graphql.request({
        action: "read the tenant",
        name: "tenant",
        document,
        variables,
        signal,
      });
      const [row] = arrayIn(data["tenant"]).map(objectIn);
      return row === undefined ? undefined : { id: variables.id, name: textIn(row["name"]) ?? "" };
    },
    agents: async (limit, signal) => (await rowsOf(LIST_QUERIES.agents, { limit }, signal)).map(decodeAgent),
    dueRuns: async ({ before, limit }, signal) => {
      const rows = await rowsOf(LIST_QUERIES.dueRuns, { before: isoUtc(before), limit }, signal);
      return rows.map(decodeDueRun);
    },
    stalledRuns: async ({ before, limit }, signal) => {
      const rows = await rowsOf(LIST_QUERIES.stalledRuns, { before: isoUtc(before), limit }, signal);
      return rows.map(decodeStalledRun);
    },
  };
}

function decodeAgent(row: JsonObject): RegisteredAgent {
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    type: textIn(row["type"]) ?? "",
    labels: arrayIn(row["labels"]).map(String),
    lastPolledAt: parseDate(row["last_queried"]),
  };
}

function decodeDueRun(row: JsonObject): DueRun {
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    labels: arrayIn(row["labels"]).map(String),
    // Never missing: the query filters by it.
    dueAt: parseDate(row["state_start_time"]) ?? new Date(0),
  };
}

function decodeStalledRun(row: JsonObject): StalledRun {
  const settings = objectIn(objectIn(objectIn(row["flow"])["flow_group"])["settings"]);
  const resurrected = row["times_resurrected"];
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    state: textIn(row["state"]) ?? "",
    stateAt: parseDate(row["state_timestamp"]),
    heartbeatAt: parseDate(row["heartbeat"]),
    timesResurrected: typeof resurrected === "number" ? resurrected : 0,
    lazarusEnabled: settings["heartbeat_enabled"] !== false && settings["lazarus_enabled"] !== false,
    scope: scopeOf(claimIn(stateIn(row["serialized_state"]))),
  };
}

function parseDate(raw: unknown): Date | undefined {
  const at = new Date(textIn(raw) ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at;
}

function scopeOf(claim: ClaimContext | undefined): string | undefined {
  return claim === undefined ? undefined : `${claim.place.ca}/${claim.place.namespace}`;
}
