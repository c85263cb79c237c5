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
  PrefectApi,
  RunLog,
  RunState,
  SetState,
} from "./api.ts";
import { claimAll } from "./claiming.ts";
import { readFlowRun } from "./decode.ts";
import * as documents from "./documents.ts";
import { PrefectError } from "./errors.ts";
import type { FlowRun, TaskRun } from "./flow-run.ts";
import type { Graphql, Operation } from "./graphql.ts";
import { decodeRunState, decodeTaskRun } from "./run-state.ts";
import type { State } from "./state.ts";
import { isoUtc } from "./state.ts";

/** Core's 3-second buffer: a retry that a living process is about to make is not ours. */
const OVERDUE_MS = 3_000;
const QUEUE_STATES = ["Scheduled", "Paused", "Resume", "Retrying", "Queued"];
const MAX_MESSAGE = 1_000_000;

/** A Prefect 0.x/1.x server or Cloud. */
export class GraphqlApi implements PrefectApi {
  readonly url: string;
  readonly #graphql: Graphql;
  readonly #backend: string;
  #tenant: Promise<string> | undefined;

  constructor(graphql: Graphql, backend: string) {
    this.#graphql = graphql;
    this.#backend = backend;
    this.url = graphql.url;
  }

  async tenantId(signal?: AbortSignal): Promise<string> {
    if (this.#graphql.tenantId !== undefined) return this.#graphql.tenantId;
    this.#tenant ??= this.#askTenant(signal).finally(() => (this.#tenant = undefined));
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

  async launchableFlowRuns(ids: readonly string[], now: Date, signal?: AbortSignal): Promise<FlowRun[]> {
    if (ids.length === 0) return [];
    const overdue = isoUtc(new Date(now.getTime() - OVERDUE_MS));
    const data = await this.#ask("read due flow runs", "flow_run_metadata", {
      document: documents.LAUNCHABLE,
      variables: { ids, overdue },
      signal,
    });
    return arrayIn(data["flow_run"]).map((row) => readFlowRun(row));
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

  async claimedRuns(query: ClaimedQuery, signal?: AbortSignal): Promise<ClaimedRun[]> {
    const data = await this.#ask("look for unfinished submissions", "flow_run_claimed", {
      document: documents.CLAIMED,
      variables: { states: query.states, mark: { context: query.mark }, limit: query.limit },
      signal,
    });
    const byHistory = arrayIn(data["runs"]).flatMap((row) => {
      const marked = objectIn(arrayIn(objectIn(row)["states"])[0])["serialized_state"];
      return marked === undefined ? [] : [{ flowRun: readFlowRun(row), claimedState: marked as State }];
    });
    const byTasks = arrayIn(data["retries"]).flatMap((row) => {
      const flowRun = readFlowRun(row);
      const task = flowRun.task_runs[0];
      return task === undefined ? [] : [{ flowRun, claimedState: task.serialized_state }];
    });
    return [...byHistory, ...byTasks];
  }

  async unfinishedTaskRuns(flowRunId: string): Promise<TaskRun[]> {
    const data = await this.#ask("read the run's tasks", "task_run_unfinished", {
      document: documents.UNFINISHED_TASKS,
      variables: { id: flowRunId },
    });
    return arrayIn(data["task_run"]).map((row) => decodeTaskRun(row));
  }

  async writeLogs(logs: readonly RunLog[], signal?: AbortSignal): Promise<void> {
    if (logs.length === 0) return;
    const action = "write to the flow run's log";
    const data = await this.#ask(action, "write_run_logs", {
      document: documents.WRITE_LOGS,
      variables: { input: { logs: logs.map(logInput) } },
      signal,
    });
    const answer = objectIn(data["write_run_logs"]);
    if (answer["success"] === false) {
      throw new PrefectError(action, textIn(answer["error"]) ?? "refused", { failure: "refused" });
    }
  }

  async loggedMessages(flowRunId: string, names: readonly string[]): Promise<string[]> {
    const data = await this.#ask("read the flow run's log", "log", {
      document: documents.LOGGED,
      variables: { id: flowRunId, names },
    });
    return arrayIn(data["log"]).map((row) => textIn(objectIn(row)["message"]) ?? "");
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

  async #askTenant(signal?: AbortSignal): Promise<string> {
    const action = "find the tenant";
    const cloud = this.#backend === "cloud";
    const document = cloud ? documents.AUTH_INFO : documents.TENANT;
    const data = await this.#ask(action, cloud ? "auth_info" : "tenant", { document, signal });
    const tenants = arrayIn(data["tenant"]).map(objectIn);
    const id = textIn(cloud ? objectIn(data["auth_info"])["tenant_id"] : tenants[0]?.["id"]);
    if (id === undefined) {
      throw new PrefectError(action, cloud ? "the key belongs to no tenant" : "the server has no tenant", {
        failure: "refused",
        hint: cloud
          ? "use an API key, not an API token"
          : "create one with: prefect server create-tenant -n default",
      });
    }
    if (tenants.length > 1) {
      throw new PrefectError(action, `the server has ${tenants.length} tenants`, {
        failure: "refused",
        hint: "choose one with --tenant-id",
      });
    }
    this.#graphql.tenantId = id;
    return id;
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

function logInput(log: RunLog): JsonObject {
  return {
    flow_run_id: log.flowRunId,
    name: log.name,
    level: log.level,
    message: log.message.slice(0, MAX_MESSAGE),
    ...(log.timestamp === undefined ? {} : { timestamp: isoUtc(log.timestamp) }),
  };
}
