// PrefectApi over GraphQL: each method is one operation, its answer decoded.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type {
  AgentRegistration,
  Claim,
  ClaimedQuery,
  ClaimedRun,
  ClaimOutcome,
  DueQuery,
  Launchable,
  PrefectApi,
  RunLog,
  RunState,
  SetState,
} from "./api.ts";
import { checkupOf } from "./doctor-queries.ts";
import type { PrefectCheckup } from "./doctor-queries.ts";
import { claimedIds, claimedRuns } from "./claimed-runs.ts";
import { claimAll } from "./claim.ts";
import { readLaunchable } from "./decode.ts";
import * as documents from "./queries.ts";
import { PrefectError } from "./errors.ts";
import { findFlowRuns } from "./find-runs.ts";
import type { RunQuery } from "./find-runs.ts";
import type { FlowRun, TaskRun } from "./flow-run.ts";
import type { Graphql, Operation } from "./graphql.ts";
import * as runLogs from "./run-logs.ts";
import { decodeRunState, decodeTaskRun } from "./run-state.ts";
import type { State } from "./states.ts";
import { isoUtc } from "./states.ts";
import { TASK_GRAPH, taskGraphIn } from "./restart/task-graph.ts";
import type { TaskGraph } from "./restart/task-graph.ts";
import { askTenant } from "./tenant.ts";

/** Core's 3-second buffer: a retry that a living process is about to make is not ours. */
const OVERDUE_MS = 3_000;
const QUEUE_STATES = ["Scheduled", "Paused", "Resume", "Retrying", "Queued"];

/** A Prefect 0.x/1.x server or Cloud. */
export class GraphqlApi implements PrefectApi {
  readonly url: string;
  readonly checkup: PrefectCheckup;
  readonly #graphql: Graphql;
  readonly #backend: string;
  #tenant: Promise<string> | undefined;

  constructor(graphql: Graphql, backend: string) {
    this.#graphql = graphql;
    this.#backend = backend;
    this.url = graphql.url;
    this.checkup = checkupOf(graphql, (signal) => this.tenantId(signal));
  }

  async tenantId(signal?: AbortSignal): Promise<string> {
    if (this.#graphql.tenantId !== undefined) return this.#graphql.tenantId;
    this.#tenant ??= askTenant(this.#graphql, this.#backend, signal).finally(
      () => (this.#tenant = undefined),
    );
    return this.#tenant;
  }

  async registerAgent(agent: AgentRegistration, signal?: AbortSignal): Promise<string> {
    const action = "register the agent";
    const input = {
      tenant_id: await this.tenantId(signal),
      name: agent.name,
      type: "KubernetesAgent",
      labels: agent.labels,
      agent_config_id: agent.agentConfigId ?? null,
    };
    const data = await this.#ask(action, "register_agent", {
      document: documents.REGISTER_AGENT,
      variables: { input },
      signal,
    });
    const id = textIn(objectIn(data["register_agent"])["id"]);
    if (id === undefined) throw new PrefectError(action, "the API gave no agent id", { failure: "refused" });
    this.#graphql.agentId = id;
    return id;
  }

  async queuedFlowRunIds(before: Date, labels: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const input = { tenant_id: await this.tenantId(signal), before: isoUtc(before), labels };
    const data = await this.#ask("ask for due flow runs", "get_runs_in_queue", {
      document: documents.QUEUE,
      variables: { input },
      signal,
    });
    return arrayIn(objectIn(data["get_runs_in_queue"])["flow_run_ids"]).map(String);
  }

  async dueFlowRunIds(before: Date, labels: readonly string[], options: DueQuery): Promise<string[]> {
    const due = { state: { _in: QUEUE_STATES }, state_start_time: { _lte: isoUtc(before) } };
    const labelRule =
      labels.length === 0
        ? [{ labels: { _eq: [] } }]
        : [{ labels: { _contained_in: labels } }, { _not: { labels: { _eq: [] } } }];
    const where = {
      tenant_id: { _eq: await this.tenantId(options.signal) },
      _and: [...labelRule, { _or: [due, { state: { _eq: "Running" }, task_runs: due }] }],
    };
    const data = await this.#ask("ask for due flow runs", "flow_run_due", {
      document: documents.DUE,
      variables: { where, limit: options.limit },
      signal: options.signal,
    });
    return arrayIn(data["flow_run"]).map((row) => String(objectIn(row)["id"]));
  }

  async launchableFlowRuns(ids: readonly string[], now: Date, signal?: AbortSignal): Promise<Launchable> {
    if (ids.length === 0) return { runs: [], unreadable: [] };
    const overdue = isoUtc(new Date(now.getTime() - OVERDUE_MS));
    const data = await this.#ask("read due flow runs", "flow_run_metadata", {
      document: documents.LAUNCHABLE,
      variables: { ids, overdue },
      signal,
    });
    return readLaunchable(arrayIn(data["flow_run"]));
  }

  claim(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]> {
    return claimAll(claims, {
      set: async (some) => {
        const states = some.map((claim) => stateInput("flow_run_id", claim));
        await this.#setFlowRunStates("claim flow runs", states, signal);
      },
      look: (ids) => this.runStates(ids, signal),
    });
  }

  claimTasks(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]> {
    return claimAll(claims, {
      set: async (some) => {
        const states = some.map((claim) => stateInput("task_run_id", claim));
        await this.#setTaskRunStates("claim task runs", states, signal);
      },
      look: (ids) => this.#taskStates(ids, signal),
    });
  }

  async setState(change: SetState): Promise<void> {
    const { flowRunId: id, version = null, state } = change;
    const input = stateInput("flow_run_id", { id, version, state });
    await this.#setFlowRunStates(`set flow run "${id}" ${state.type}`, [input]);
  }

  async setTaskStates(changes: readonly { taskRunId: string; state: State }[]): Promise<void> {
    if (changes.length === 0) return;
    const states = changes.map(({ taskRunId: id, state }) =>
      stateInput("task_run_id", { id, version: null, state }),
    );
    await this.#setTaskRunStates("set task runs", states);
  }

  async runStates(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, RunState>> {
    if (ids.length === 0) return new Map();
    const data = await this.#ask("read the states of flow runs", "flow_run_states", {
      document: documents.RUN_STATES,
      variables: { ids },
      signal,
    });
    return new Map(
      arrayIn(data["flow_run"])
        .map((row) => decodeRunState(row))
        .map((state) => [state.id, state]),
    );
  }

  async claimedIds(query: ClaimedQuery, signal?: AbortSignal): Promise<string[]> {
    return claimedIds(this.#graphql, { ...query, tenantId: await this.tenantId(signal) }, signal);
  }

  claimedRuns(
    ids: readonly string[],
    mark: ClaimedQuery["mark"],
    signal?: AbortSignal,
  ): Promise<ClaimedRun[]> {
    return claimedRuns(this.#graphql, { ids, mark }, signal);
  }

  async findFlowRuns(query: RunQuery, signal?: AbortSignal): Promise<FlowRun[]> {
    return findFlowRuns(this.#graphql, { ...query, tenantId: await this.tenantId(signal) }, signal);
  }

  async unfinishedTaskRuns(flowRunId: string): Promise<TaskRun[]> {
    const data = await this.#ask("read the run's tasks", "task_run_unfinished", {
      document: documents.UNFINISHED_TASKS,
      variables: { id: flowRunId },
    });
    return arrayIn(data["task_run"]).map((row) => decodeTaskRun(row));
  }

  async taskGraph(flowRunId: string): Promise<TaskGraph> {
    const data = await this.#ask("read the run's tasks", "task_graph", {
      document: TASK_GRAPH,
      variables: { id: flowRunId },
    });
    return taskGraphIn(data);
  }

  writeLogs(logs: readonly RunLog[], signal?: AbortSignal): Promise<void> {
    return runLogs.write(this.#graphql, logs, signal);
  }

  loggedMessages(flowRunId: string, names: readonly string[]): Promise<string[]> {
    return runLogs.messagesBy(this.#graphql, flowRunId, names);
  }

  mentions(flowRunId: string, texts: readonly string[]): Promise<string[]> {
    return runLogs.mentions(this.#graphql, flowRunId, texts);
  }

  unwritten(logs: readonly RunLog[]): Promise<RunLog[]> {
    return runLogs.unwritten(this.#graphql, logs);
  }

  async heartbeat(flowRunIds: readonly string[]): Promise<void> {
    if (flowRunIds.length === 0) return;
    const document = documents.heartbeats(flowRunIds);
    await this.#ask("keep up heartbeats", "update_flow_run_heartbeat", { document });
  }

  async cancel(flowRunId: string): Promise<string> {
    const data = await this.#ask(`cancel flow run "${flowRunId}"`, "cancel_flow_run", {
      document: documents.CANCEL,
      variables: { input: { flow_run_id: flowRunId } },
    });
    return textIn(objectIn(data["cancel_flow_run"])["state"]) ?? "";
  }

  close(): void {
    this.#graphql.close();
  }

  #ask(action: string, name: string, rest: Omit<Operation, "action" | "name">): Promise<JsonObject> {
    return this.#graphql.ask({ action, name, ...rest });
  }

  async #setFlowRunStates(
    action: string,
    states: readonly JsonObject[],
    signal?: AbortSignal,
  ): Promise<void> {
    const variables = { input: { states } };
    await this.#ask(action, "set_flow_run_states", {
      document: documents.SET_FLOW_RUN_STATES,
      variables,
      signal,
    });
  }

  async #setTaskRunStates(
    action: string,
    states: readonly JsonObject[],
    signal?: AbortSignal,
  ): Promise<void> {
    const variables = { input: { states } };
    await this.#ask(action, "set_task_run_states", {
      document: documents.SET_TASK_RUN_STATES,
      variables,
      signal,
    });
  }

  async #taskStates(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, { version: number; state: State }>> {
    const data = await this.#ask("read task runs", "task_run_states", {
      document: documents.TASK_STATES,
      variables: { ids },
      signal,
    });
    const tasks = arrayIn(data["task_run"]).map((row) => decodeTaskRun(row));
    return new Map(tasks.map((task) => [task.id, { version: task.version, state: task.serialized_state }]));
  }
}

function stateInput(key: string, to: { id: string; version: number | null; state: State }): JsonObject {
  return { [key]: to.id, version: to.version, state: to.state };
}
