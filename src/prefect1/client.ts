// The client of a Prefect 0.x/1.x API: each method is one GraphQL operation and throws PrefectError on failure. A lost
// claim is a result, not an error.

import { earlier } from "../base/clock.ts";
import { arrayIn, dateIn, textIn, objectIn, type JsonObject } from "../base/json.ts";
import { pagesOf } from "../base/pages.ts";
import { doctorQueries, type DoctorQueries } from "./doctor-queries.ts";
import { claimAll, claimIn, type ClaimApi, type ClaimOutcome, type StateClaim } from "./claim.ts";
import { readFlowRun, taskRunIn, type FlowRun } from "./flow-run.ts";
import * as queries from "./queries.ts";
import type { AgentRow } from "../orchestrator/agent-identity.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Graphql } from "./graphql.ts";
import { agentIn, knownRunIn } from "./run-state.ts";
import { isoUtc, WAITING, type State } from "./states.ts";
import type { KnownRun, RunQuery } from "../orchestrator/run-directory.ts";

/** As in Core: a task run is overdue after 3 s, so that a running process can retry its own tasks first. */
const OVERDUE_MS = 3_000;
const AGENT_TYPE = "KubernetesAgent";
/** More agents than this never poll at the same time. */
const AGENTS_LIMIT = 1_000;
/** Prefect's server takes requests of 5 MB, and a state may hold kilobytes. */
const STATES_AT_ONCE = 200;

export interface AgentRegistration {
  readonly name: string;
  readonly labels: readonly string[];
  readonly agentConfigId?: string | undefined;
}

export interface SetState {
  readonly flowRunId: string;
  readonly state: State;
  /** The expected version; Prefect refuses the change if it differs and version locking is on. */
  readonly version?: number | undefined;
}

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

type Kind = "flow_run" | "task_run";

export class Prefect1Client {
  readonly doctor: DoctorQueries;
  /** For queries that have only one user. */
  readonly graphql: Graphql;
  readonly #backend: string;
  #tenant: Promise<string> | undefined;

  constructor(graphql: Graphql, backend: string) {
    this.graphql = graphql;
    this.#backend = backend;
    this.doctor = doctorQueries(graphql, (signal) => this.tenantId(signal));
  }

  /** The tenant id: configured, or fetched once. */
  async tenantId(signal?: AbortSignal): Promise<string> {
    if (this.graphql.tenantId !== undefined) return this.graphql.tenantId;
    this.#tenant ??= fetchTenantId(this.graphql, this.#backend, signal).finally(
      () => (this.#tenant = undefined),
    );
    return this.#tenant;
  }

  /** Returns the agent's id. All later requests send it, so that Prefect shows when the agent last polled. */
  async registerAgent(agent: AgentRegistration, signal?: AbortSignal): Promise<string> {
    const { name, labels, agentConfigId = null } = agent;
    const about = { name, type: AGENT_TYPE, labels, agent_config_id: agentConfigId };
    const input = { tenant_id: await this.tenantId(signal), ...about };
    const query = queries.REGISTER_AGENT;
    const { id } = await this.graphql.object(query, { input }, signal);
    if (typeof id !== "string")
      throw new PrefectError(query.action, "the API returned no agent id", { failure: "refused" });
    this.graphql.agentId = id;
    return id;
  }

  /** Asks what every valid key may ask. Throws PrefectError if the key is refused, or the tenant is not there. */
  async authenticate(signal?: AbortSignal): Promise<void> {
    await this.doctor.hello(signal);
    if ((await this.doctor.tenant(signal)) !== undefined) return;
    throw new PrefectError("find the tenant", "the API has no tenant with this id", {
      failure: "refused",
      hint: "check --tenant-id and PREFECT__CLOUD__TENANT_ID",
    });
  }

  /** The tenant's Kubernetes agents, the last to poll first. */
  async agents(signal?: AbortSignal): Promise<AgentRow[]> {
    const where = { tenant_id: { _eq: await this.tenantId(signal) }, type: { _eq: AGENT_TYPE } };
    const order = [{ last_queried: "desc_nulls_last" }];
    const rows = await this.graphql.rows(queries.AGENTS, { where, order, limit: AGENTS_LIMIT }, signal);
    return rows.map((row) => ({
      ...agentIn(row),
      id: textIn(row["id"]) ?? "",
      lastPolledAt: dateIn(row["last_queried"]),
    }));
  }

  /** Ids of due runs from Prefect's queue: at most 25, matched to the labels by Prefect. */
  async queuedFlowRunIds(before: Date, labels: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const input = { tenant_id: await this.tenantId(signal), before: isoUtc(before), labels };
    const { flow_run_ids: ids } = await this.graphql.object(queries.QUEUE, { input }, signal);
    return arrayIn(ids).map(String);
  }

  /** Ids of due runs by label, including those that the queue hides behind older runs of other agents. */
  async dueFlowRunIds(
    before: Date,
    labels: readonly string[],
    { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  ): Promise<string[]> {
    // Asked each for itself: those of a long backlog must not hide a Running run whose task is due.
    const order = [{ state_start_time: "asc" }];
    const filters = dueFilters(await this.tenantId(signal), before, labels);
    const pages = await Promise.all(
      filters.map((where) => this.graphql.rows(queries.DUE, { where, order, limit }, signal)),
    );
    return pages.flat().map((row) => String(row["id"]));
  }

  /** The rows of the runs that can be launched: Scheduled runs, and Running runs with overdue task runs. */
  launchableFlowRuns(
    ids: readonly string[],
    now: Date,
    signal?: AbortSignal,
  ): Promise<readonly JsonObject[]> {
    const overdue = isoUtc(earlier(now, OVERDUE_MS));
    return this.graphql.rows(queries.LAUNCHABLE, { ids, overdue }, signal);
  }

  /** Sets the states of flow runs, or of task runs of Running ones. Returns one outcome per claim, in the same order. */
  async claim(claims: readonly StateClaim[], kind: Kind = "flow_run"): Promise<ClaimOutcome[]> {
    const action = kind === "flow_run" ? "claim flow runs" : "claim task runs";
    const api: ClaimApi = {
      setStates: (some) => this.#setStates(kind, some, action),
      readStates: (ids) => (kind === "flow_run" ? this.#flowRunStates(ids) : this.#taskRunStates(ids)),
    };
    const outcomes: ClaimOutcome[] = [];
    for (const page of pagesOf(claims, STATES_AT_ONCE)) outcomes.push(...(await claimAll(page, api)));
    return outcomes;
  }

  async setState({ flowRunId: id, version, state }: SetState): Promise<void> {
    const action = `set flow run "${id}" ${state.type}`;
    await this.#setStates("flow_run", [{ id, version: version ?? null, state }], action);
  }

  /** Sets task runs to a state, regardless of version. */
  async setTaskStates(ids: readonly string[], state: State): Promise<void> {
    const changes = ids.map((id) => ({ id, version: null, state }));
    for (const page of pagesOf(changes, STATES_AT_ONCE)) {
      await this.#setStates("task_run", page, "set task runs");
    }
  }

  /** Up to 100 runs; the id of a run that the tenant does not have has no entry. */
  async runs(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, KnownRun>> {
    if (ids.length === 0) return new Map();
    const [tenant, rows] = await Promise.all([
      this.tenantId(signal),
      this.graphql.rows(queries.RUN_STATES, { where: { id: { _in: ids } } }, signal),
    ]);
    // A self-hosted server answers for the runs of all its tenants.
    const own = rows.filter((row) => row["tenant_id"] === tenant).map(knownRunIn);
    return new Map(own.map((run) => [run.id, run]));
  }

  /** Runs by id, prefix of an id, or name, the newest first. Running ones have their task runs that are due by now. */
  async findFlowRuns(
    { name, idPrefix, now, limit }: RunQuery & { readonly now: Date },
    signal?: AbortSignal,
  ): Promise<FlowRun[]> {
    const named = { name: { _eq: name } };
    const where = {
      tenant_id: { _eq: await this.tenantId(signal) },
      _or: idPrefix === undefined ? [named] : [named, { id: idRange(idPrefix) }],
    };
    const query = { ...queries.FIND, action: `read flow run "${name}"` };
    const rows = await this.graphql.rows(query, { where, limit, overdue: isoUtc(now) }, signal);
    return rows.map(readFlowRun);
  }

  /** Returns the name of the resulting state. */
  async cancel(flowRunId: string): Promise<string> {
    const query = { ...queries.CANCEL, action: `cancel flow run "${flowRunId}"` };
    const { state } = await this.graphql.object(query, { input: { flow_run_id: flowRunId } });
    return textIn(state) ?? "";
  }

  close(): void {
    this.graphql.close();
  }

  async #setStates(
    kind: Kind,
    changes: readonly { readonly id: string; readonly version: number | null; readonly state: State }[],
    action: string,
  ): Promise<void> {
    const states = changes.map(({ id, version, state }) => ({ [`${kind}_id`]: id, version, state }));
    await this.graphql.request(queries.setStates(kind, action), { input: { states } });
  }

  async #flowRunStates(ids: readonly string[]): ReturnType<ClaimApi["readStates"]> {
    return new Map([...(await this.runs(ids))].map(([id, { state }]) => [id, state]));
  }

  async #taskRunStates(ids: readonly string[]): ReturnType<ClaimApi["readStates"]> {
    const tasks = (await this.graphql.rows(queries.TASK_STATES, { where: { id: { _in: ids } } })).map(
      taskRunIn,
    );
    return new Map(tasks.map((task) => [task.id, { ...task, claim: claimIn(task.serialized_state) }]));
  }
}

/**
 * Fetches the tenant id and sends it in all later requests: Cloud derives it from the API key; a server usually has one tenant.
 * Throws PrefectError for none or several tenants.
 */
async function fetchTenantId(graphql: Graphql, backend: string, signal?: AbortSignal): Promise<string> {
  const cloud = backend === "cloud";
  const query = cloud ? queries.AUTH_INFO : queries.TENANT;
  const { action } = query;
  const refused = (detail: string, hint: string): PrefectError =>
    new PrefectError(action, detail, { failure: "refused", hint });
  const data = await graphql.request(query, undefined, signal).catch((error: unknown) => {
    throw cloud ? withBackendHint(action, error) : error;
  });
  const tenants = arrayIn(data["tenant"]).map(objectIn);
  const id = textIn(cloud ? objectIn(data["auth_info"])["tenant_id"] : tenants[0]?.["id"]);
  if (id === undefined && cloud)
    throw refused("the key belongs to no tenant", "use an API key, not an API token");
  if (id === undefined)
    throw refused("the server has no tenant", "create one with: prefect server create-tenant -n default");
  if (tenants.length > 1)
    throw refused(`the server has ${tenants.length} tenants`, "choose one with --tenant-id");
  graphql.tenantId = id;
  return id;
}

/** A self-hosted server refuses Cloud's query: --backend server may be missing. */
function withBackendHint(action: string, error: unknown): unknown {
  if (!(error instanceof PrefectError) || error.failure !== "refused") return error;
  const isServer = /auth_info/.test(error.detail);
  const detail = isServer ? "it is a self-hosted server, but --backend is cloud" : error.detail;
  const hint = "add --backend server for a self-hosted server";
  return new PrefectError(action, detail, { failure: error.failure, hint, cause: error });
}

/** Ids have no text operators, but they are ordered by their digits. */
function idRange(prefix: string): { readonly _gte: string; readonly _lte: string } {
  return { _gte: prefix + LOWEST_ID.slice(prefix.length), _lte: prefix + HIGHEST_ID.slice(prefix.length) };
}

/** Match the Scheduled and the Running runs that are due by this time for an agent with these labels, as Prefect's queue does. */
function dueFilters(tenantId: string, before: Date, labels: readonly string[]): readonly JsonObject[] {
  const due = { state: { _in: WAITING }, state_start_time: { _lte: isoUtc(before) } };
  const labelRule =
    labels.length === 0
      ? [{ labels: { _eq: [] } }]
      : [{ labels: { _contained_in: labels } }, { _not: { labels: { _eq: [] } } }];
  const shared = { tenant_id: { _eq: tenantId }, _and: labelRule };
  // Flow runs that are Queued or Paused are not launched, and may be many.
  const scheduled = { ...shared, ...due, state: { _eq: "Scheduled" } };
  return [scheduled, { ...shared, state: { _eq: "Running" }, task_runs: due }];
}
