// The client of a Prefect 0.x/1.x API: each method is one GraphQL operation and throws PrefectError on failure. A lost
// claim is a result, not an error.

import { authenticate, knownFlowIds, readAgents } from "./tenant-queries.ts";
import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { doctorQueries } from "./doctor-queries.ts";
import type { DoctorQueries } from "./doctor-queries.ts";
import { claimedIds, claimedRuns } from "./claimed-runs.ts";
import type { ClaimedQuery, ClaimedRun } from "./claimed-runs.ts";
import { claimAll } from "./claim.ts";
import type { ClaimOutcome, StateClaim } from "./claim.ts";
import { readLaunchable } from "./decode.ts";
import type { Launchable } from "./decode.ts";
import * as documents from "./queries.ts";
import type { AgentRow } from "../orchestrator/agent-identity.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import { browse } from "./browse.ts";
import type { Browse } from "./browse.ts";
import { dueFilter, findFlowRuns } from "./find-runs.ts";
import type { FindQuery } from "./find-runs.ts";
import type { FlowRun, TaskRun } from "./flow-run.ts";
import type { Graphql, Operation } from "./graphql.ts";
import { RunLogs } from "./run-logs.ts";
import { decodeStateRow, decodeTaskRun } from "./run-state.ts";
import type { StateRow } from "./run-state.ts";
import type { State } from "./states.ts";
import { isoUtc } from "./states.ts";
import { TASK_GRAPH, taskGraphIn } from "./restart/task-graph.ts";
import type { TaskGraph } from "./restart/task-graph.ts";
import { fetchTenantId } from "./tenant.ts";

/** As in Core: a task run is overdue after 3 s, so that a running process can retry its own tasks first. */
const OVERDUE_MS = 3_000;

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

export class Prefect1Client {
  /** The URL, for messages. */
  readonly url: string;
  /** The queries of `doctor`. */
  readonly doctor: DoctorQueries;
  readonly browse: Browse;
  readonly logs: RunLogs;
  readonly #graphql: Graphql;
  readonly #backend: string;
  #tenant: Promise<string> | undefined;

  constructor(graphql: Graphql, backend: string) {
    this.#graphql = graphql;
    this.#backend = backend;
    this.url = graphql.url;
    this.browse = browse(graphql, (signal) => this.tenantId(signal));
    this.logs = new RunLogs(graphql);
    this.doctor = doctorQueries(graphql, (signal) => this.tenantId(signal));
  }

  /** The tenant id: configured, or fetched once. */
  async tenantId(signal?: AbortSignal): Promise<string> {
    if (this.#graphql.tenantId !== undefined) return this.#graphql.tenantId;
    this.#tenant ??= fetchTenantId(this.#graphql, this.#backend, signal).finally(
      () => (this.#tenant = undefined),
    );
    return this.#tenant;
  }

  /** Returns the agent's id. All later requests send it, so that Prefect shows when the agent last polled. */
  async registerAgent(agent: AgentRegistration, signal?: AbortSignal): Promise<string> {
    const action = "register the agent";
    const input = {
      tenant_id: await this.tenantId(signal),
      name: agent.name,
      type: "KubernetesAgent",
      labels: agent.labels,
      agent_config_id: agent.agentConfigId ?? null,
    };
    const data = await this.#request(action, "register_agent", {
      document: documents.REGISTER_AGENT,
      variables: { input },
      signal,
    });
    const id = textIn(objectIn(data["register_agent"])["id"]);
    if (id === undefined)
      throw new PrefectError(action, "the API returned no agent id", { failure: "refused" });
    this.#graphql.agentId = id;
    return id;
  }

  /** Asks what every valid key may ask. Throws PrefectError if the key is refused, or the tenant is not there. */
  authenticate(signal?: AbortSignal): Promise<void> {
    return authenticate(this.doctor, signal);
  }

  /** The tenant's Kubernetes agents, the last to poll first. */
  async agents(signal?: AbortSignal): Promise<AgentRow[]> {
    return readAgents(this.#graphql, await this.tenantId(signal), signal);
  }

  /** Ids of due runs from Prefect's queue: at most 25, matched to the labels by Prefect. */
  async queuedFlowRunIds(before: Date, labels: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const input = { tenant_id: await this.tenantId(signal), before: isoUtc(before), labels };
    const data = await this.#request("list due flow runs", "get_runs_in_queue", {
      document: documents.QUEUE,
      variables: { input },
      signal,
    });
    return arrayIn(objectIn(data["get_runs_in_queue"])["flow_run_ids"]).map(String);
  }

  /** Ids of due runs by label, including those that the queue hides behind older runs of other agents. */
  async dueFlowRunIds(
    before: Date,
    labels: readonly string[],
    options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  ): Promise<string[]> {
    const where = dueFilter(await this.tenantId(options.signal), before, labels);
    const data = await this.#request("list due flow runs", "flow_run_due", {
      document: documents.DUE,
      variables: { where, limit: options.limit },
      signal: options.signal,
    });
    return arrayIn(data["flow_run"]).map((row) => String(objectIn(row)["id"]));
  }

  /** The runs that can be launched: Scheduled runs, and Running runs with overdue task runs. */
  async launchableFlowRuns(ids: readonly string[], now: Date, signal?: AbortSignal): Promise<Launchable> {
    if (ids.length === 0) return { runs: [], unreadable: [] };
    const overdue = isoUtc(new Date(now.getTime() - OVERDUE_MS));
    const data = await this.#request("read due flow runs", "flow_run_metadata", {
      document: documents.LAUNCHABLE,
      variables: { ids, overdue },
      signal,
    });
    return readLaunchable(arrayIn(data["flow_run"]));
  }

  /** Sets the runs' states. Returns one outcome per claim, in the same order. */
  claim(claims: readonly StateClaim[], signal?: AbortSignal): Promise<ClaimOutcome[]> {
    return claimAll(claims, {
      setStates: (some) => this.#setStates("flow_run", some, { action: "claim flow runs", signal }),
      readStates: (ids) => this.runStates(ids, signal),
    });
  }

  /** The same for task runs of Running flow runs. */
  claimTasks(claims: readonly StateClaim[], signal?: AbortSignal): Promise<ClaimOutcome[]> {
    return claimAll(claims, {
      setStates: (some) => this.#setStates("task_run", some, { action: "claim task runs", signal }),
      readStates: (ids) => this.#taskStates(ids, signal),
    });
  }

  async setState(change: SetState): Promise<void> {
    const { flowRunId: id, version = null, state } = change;
    await this.#setStates("flow_run", [{ id, version, state }], {
      action: `set flow run "${id}" ${state.type}`,
    });
  }

  /** Sets task runs' states, regardless of version. */
  async setTaskStates(changes: readonly { taskRunId: string; state: State }[]): Promise<void> {
    if (changes.length === 0) return;
    const states = changes.map(({ taskRunId: id, state }) => ({ id, version: null, state }));
    await this.#setStates("task_run", states, { action: "set task runs" });
  }

  /** The states of up to 100 runs; the id of a run that the tenant does not have has no entry. */
  async runStates(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, StateRow>> {
    if (ids.length === 0) return new Map();
    const query = { document: documents.RUN_STATES, variables: { ids }, signal };
    const [tenant, data] = await Promise.all([
      this.tenantId(signal),
      this.#request("read the states of flow runs", "flow_run_states", query),
    ]);
    // A self-hosted server answers for the runs of all its tenants.
    const rows = arrayIn(data["flow_run"]).filter((row) => objectIn(row)["tenant_id"] === tenant);
    return new Map(rows.map((row) => decodeStateRow(row)).map((state) => [state.id, state]));
  }

  /** Ids of all runs that were claimed for this cluster and namespace and may still lack their Job. */
  async claimedIds(query: ClaimedQuery, signal?: AbortSignal): Promise<string[]> {
    return claimedIds(this.#graphql, { ...query, tenantId: await this.tenantId(signal) }, signal);
  }

  /** Up to 100 of those runs, each with its latest claim. */
  claimedRuns(
    ids: readonly string[],
    contexts: ClaimedQuery["contexts"],
    signal?: AbortSignal,
  ): Promise<ClaimedRun[]> {
    return claimedRuns(this.#graphql, { ids, contexts }, signal);
  }

  /** Runs by id, prefix of an id, or name, the newest first. */
  async findFlowRuns(query: FindQuery, signal?: AbortSignal): Promise<FlowRun[]> {
    return findFlowRuns(this.#graphql, { ...query, tenantId: await this.tenantId(signal) }, signal);
  }

  /** The run's unfinished task runs, except those that wait for a start time. */
  async unfinishedTaskRuns(flowRunId: string): Promise<TaskRun[]> {
    const data = await this.#request("read the run's tasks", "task_run_unfinished", {
      document: documents.UNFINISHED_TASKS,
      variables: { id: flowRunId },
    });
    return arrayIn(data["task_run"]).map((row) => decodeTaskRun(row));
  }

  /** All task runs of a run, and how results pass between them. */
  async taskGraph(flowRunId: string): Promise<TaskGraph> {
    const data = await this.#request("read the run's tasks", "task_graph", {
      document: TASK_GRAPH,
      variables: { id: flowRunId },
    });
    return taskGraphIn(data);
  }

  /** Those of these ids that are flows of the tenant. */
  async knownFlowIds(ids: readonly string[], signal?: AbortSignal): Promise<string[]> {
    return knownFlowIds(this.#graphql, { ids, tenantId: await this.tenantId(signal) }, signal);
  }

  /** Prevents Prefect's Lazarus from rescheduling the runs. */
  async heartbeat(flowRunIds: readonly string[]): Promise<void> {
    if (flowRunIds.length === 0) return;
    const document = documents.heartbeats(flowRunIds);
    await this.#request("send heartbeats", "update_flow_run_heartbeat", { document });
  }

  /** Returns the name of the resulting state. */
  async cancel(flowRunId: string): Promise<string> {
    const data = await this.#request(`cancel flow run "${flowRunId}"`, "cancel_flow_run", {
      document: documents.CANCEL,
      variables: { input: { flow_run_id: flowRunId } },
    });
    return textIn(objectIn(data["cancel_flow_run"])["state"]) ?? "";
  }

  close(): void {
    this.#graphql.close();
  }

  #request(action: string, name: string, rest: Omit<Operation, "action" | "name">): Promise<JsonObject> {
    return this.#graphql.request({ action, name, ...rest });
  }

  async #setStates(
    kind: "flow_run" | "task_run",
    changes: readonly { readonly id: string; readonly version: number | null; readonly state: State }[],
    { action, signal }: { readonly action: string; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const states = changes.map(({ id, version, state }) => ({ [`${kind}_id`]: id, version, state }));
    const document = kind === "flow_run" ? documents.SET_FLOW_RUN_STATES : documents.SET_TASK_RUN_STATES;
    const variables = { input: { states } };
    await this.#request(action, `set_${kind}_states`, { document, variables, signal });
  }

  async #taskStates(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, { version: number; state: State }>> {
    const data = await this.#request("read task runs", "task_run_states", {
      document: documents.TASK_STATES,
      variables: { ids },
      signal,
    });
    const tasks = arrayIn(data["task_run"]).map((row) => decodeTaskRun(row));
    return new Map(tasks.map((task) => [task.id, { version: task.version, state: task.serialized_state }]));
  }
}
