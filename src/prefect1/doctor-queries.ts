// What `doctor` asks of a Prefect 1 API: who it is, whose key this is, which agents it knows, and which runs nobody cares for.
// Nothing here changes anything. Columns: prefect-1 protocol, Hasura's tables.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { claimIn } from "./claim.ts";
import * as documents from "./queries.ts";
import type { Graphql } from "./graphql.ts";
import { stateIn } from "./run-state.ts";
import { isoUtc } from "./states.ts";

/** What an API says of itself; each field as far as it does. */
export interface ApiAbout {
  /** `SERVER` or `CLOUD`. */
  readonly backend: string | undefined;
  readonly version: string | undefined;
  readonly coreVersion: string | undefined;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
}

/** An agent that has registered; its row stays for ever. */
export interface RegisteredAgent {
  readonly id: string;
  readonly name: string;
  /** `KubernetesAgent`, `LocalAgent` … */
  readonly type: string;
  readonly labels: readonly string[];
  /** When it asked for due runs last: the only sign of life that Prefect keeps. */
  readonly lastPolledAt: Date | undefined;
}

/** A Scheduled flow run whose start time has come. */
export interface DueRun {
  readonly id: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly dueAt: Date;
}

/** A flow run that is Submitted, or Running without a sign of life. */
export interface QuietRun {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly stateAt: Date | undefined;
  readonly heartbeatAt: Date | undefined;
  readonly timesResurrected: number;
  /** False where the flow's settings turn heartbeats or Lazarus off: then nothing will start it again. */
  readonly isLookedAfter: boolean;
  /** Cluster and namespace where an agent of ours owes it a Job; undefined for other agents' claims. */
  readonly scope: string | undefined;
}

/** Reading questions; all throw PrefectError. */
export interface PrefectCheckup {
  hello(signal?: AbortSignal): Promise<void>;
  about(signal?: AbortSignal): Promise<ApiAbout>;
  /** The tenant whose runs are meant, as the API knows it; undefined when it has none of this id. */
  tenant(signal?: AbortSignal): Promise<Tenant | undefined>;
  /** The agents, those that polled last first. */
  agents(limit: number, signal?: AbortSignal): Promise<readonly RegisteredAgent[]>;
  /** The oldest first. */
  dueRuns(query: { readonly before: Date; readonly limit: number }, signal?: AbortSignal): Promise<DueRun[]>;
  /** Submitted ones, and Running ones whose last heartbeat is older than the moment. */
  quietRuns(
    query: { readonly before: Date; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<QuietRun[]>;
}

/** A question for rows of one tenant. */
interface List {
  /** What is attempted; reads after "cannot". */
  readonly action: string;
  readonly name: string;
  readonly document: string;
  /** Where the rows stand in the answer. */
  readonly field: string;
}

const LISTS = {
  agents: { action: "list agents", name: "agent", document: documents.AGENTS, field: "agent" },
  dueRuns: {
    action: "list due flow runs",
    name: "flow_run_late",
    document: documents.DUE_RUNS,
    field: "flow_run",
  },
  quietRuns: {
    action: "list flow runs without a sign of life",
    name: "flow_run_quiet",
    document: documents.QUIET_RUNS,
    field: "flow_run",
  },
} as const satisfies Readonly<Record<string, List>>;

/** The questions, sent over a connection. */
export function checkupOf(
  graphql: Pick<Graphql, "ask">,
  tenantId: (signal?: AbortSignal) => Promise<string>,
): PrefectCheckup {
  const rowsOf = async (
    list: List,
    given: JsonObject,
    signal?: AbortSignal,
  ): Promise<readonly JsonObject[]> => {
    const { action, name, document, field } = list;
    const variables = { tenant: await tenantId(signal), ...given };
    const data = await graphql.ask({ action, name, document, variables, signal });
    return arrayIn(data[field]).map(objectIn);
  };
  return {
    hello: async (signal) => {
      await graphql.ask({
        action: "reach the Prefect API",
        name: "hello",
        document: documents.HELLO,
        signal,
      });
    },
    about: async (signal) => {
      const action = "ask the Prefect API for its version";
      const data = await graphql.ask({ action, name: "api", document: documents.API, signal });
      const api = objectIn(data["api"]);
      const text = (key: string): string | undefined => textIn(api[key]) || undefined;
      return { backend: text("backend"), version: text("version"), coreVersion: text("core_version") };
    },
    tenant: async (signal) => {
      const variables = { id: await tenantId(signal) };
      const document = documents.TENANT_BY_ID;
      const data = await graphql.ask({
        action: "read the tenant",
        name: "tenant",
        document,
        variables,
        signal,
      });
      const [row] = arrayIn(data["tenant"]).map(objectIn);
      return row === undefined ? undefined : { id: variables.id, name: textIn(row["name"]) ?? "" };
    },
    agents: async (limit, signal) => (await rowsOf(LISTS.agents, { limit }, signal)).map(decodeAgent),
    dueRuns: async ({ before, limit }, signal) => {
      const rows = await rowsOf(LISTS.dueRuns, { before: isoUtc(before), limit }, signal);
      return rows.map(decodeDue);
    },
    quietRuns: async ({ before, limit }, signal) => {
      const rows = await rowsOf(LISTS.quietRuns, { before: isoUtc(before), limit }, signal);
      return rows.map(decodeQuiet);
    },
  };
}

function decodeAgent(row: JsonObject): RegisteredAgent {
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    type: textIn(row["type"]) ?? "",
    labels: arrayIn(row["labels"]).map(String),
    lastPolledAt: momentIn(row["last_queried"]),
  };
}

function decodeDue(row: JsonObject): DueRun {
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    labels: arrayIn(row["labels"]).map(String),
    // The query asks for rows that have one.
    dueAt: momentIn(row["state_start_time"]) ?? new Date(0),
  };
}

function decodeQuiet(row: JsonObject): QuietRun {
  const settings = objectIn(objectIn(objectIn(row["flow"])["flow_group"])["settings"]);
  const resurrected = row["times_resurrected"];
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? "",
    state: textIn(row["state"]) ?? "",
    stateAt: momentIn(row["state_timestamp"]),
    heartbeatAt: momentIn(row["heartbeat"]),
    timesResurrected: typeof resurrected === "number" ? resurrected : 0,
    isLookedAfter: settings["heartbeat_enabled"] !== false && settings["lazarus_enabled"] !== false,
    scope: claimIn(stateIn(row["serialized_state"]))?.scope,
  };
}

function momentIn(raw: unknown): Date | undefined {
  const at = new Date(textIn(raw) ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at;
}
