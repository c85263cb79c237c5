// All queries and mutations for Prefect 1. Mutation inputs use the scalars of Prefect's Python service (UUID, JSON,
// DateTime), table arguments those of Hasura (uuid, jsonb, timestamptz).

import type { JsonObject } from "../base/json.ts";

export interface Query {
  /** A short name for metrics. */
  readonly name: string;
  /** Follows "cannot" in error messages. */
  readonly action: string;
  /** By its variables, where the query names only the arguments that it has. */
  readonly document: string | ((variables: JsonObject) => string);
}

const query =
  (name: string, action: string) =>
  (document: TemplateStringsArray, ...fields: readonly string[]): Query => ({
    name,
    action,
    document: String.raw(document, ...fields),
  });

/** Rows of one table: filter, order and page are its variables `where`, `order`, `limit` and `offset`. */
const rowsOf = (table: string) => {
  const all = [
    { variable: "where", argument: "where", type: `${table}_bool_exp!` },
    { variable: "order", argument: "order_by", type: `[${table}_order_by!]!` },
    { variable: "limit", argument: "limit", type: "Int!" },
    { variable: "offset", argument: "offset", type: "Int!" },
  ];
  return (name: string, action: string, fields: string): Query => {
    // Hasura 2 takes a variable that is not given for null, which it may refuse.
    const document = (variables: JsonObject): string => {
      const given = all.filter(({ variable }) => variables[variable] !== undefined);
      const declared = given.map(({ variable, type }) => `$${variable}: ${type}`).join(", ");
      const passed = given.map(({ variable, argument }) => `${argument}: $${variable}`).join(", ");
      return `query(${declared}) {\n  ${table}(${passed}) { ${fields} }\n}`;
    };
    return { name, action, document };
  };
};
const flowRuns = rowsOf("flow_run");
const taskRuns = rowsOf("task_run");

const FLOW_RUN_FIELDS = `
  id name version state serialized_state run_config labels
  flow { id name storage core_version }`;

const RECENT_FIELDS = `
  id name version serialized_state state_timestamp labels run_config agent { name labels tenant_id }`;
const LAST_CLAIM = `states(where: {state: {_eq: "Submitted"}}, order_by: [{version: desc}], limit: 1)`;

export const TENANT = query("tenant", "find the tenant")`query { tenant { id } }`;
export const AUTH_INFO = query("auth_info", "find the tenant")`query { auth_info { tenant_id } }`;
export const HELLO = query("hello", "use the Prefect API")`query { hello }`;
export const API = query("api", "read the backend of the API")`query { api { backend } }`;
export const TENANT_BY_ID = rowsOf("tenant")("tenant", "read the tenant", "id name slug");
export const AGENTS = rowsOf("agent")("agents", "list agents", "id name labels tenant_id last_queried");
export const KNOWN_FLOWS = rowsOf("flow")("flow_known", "read flows", "id");
export const LOG = rowsOf("log")("log", "read the flow run's log", "timestamp level name message");

export const DUE_RUNS = flowRuns("flow_run_late", "list due flow runs", "name labels state_start_time");
export const STALLED_RUNS = flowRuns(
  "stalled_runs",
  "list stalled runs",
  "id name state state_timestamp heartbeat times_resurrected serialized_state flow { flow_group { settings } }",
);
export const CLAIMS = flowRuns("flow_run_claims", "list claims", `${LAST_CLAIM} { serialized_state }`);

export const REGISTER_AGENT = query("register_agent", "register the agent")`
mutation($input: register_agent_input!) { register_agent(input: $input) { id } }`;

export const QUEUE = query("get_runs_in_queue", "list due flow runs")`
mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }`;

/** Due runs by label; the queue considers only the 75 oldest runs of all agents. */
export const DUE = flowRuns("flow_run_due", "list due flow runs", "id");

export const LAUNCHABLE = query("flow_run_metadata", "read due flow runs")`
query($ids: [uuid!], $overdue: timestamptz!) {
  flow_run(where: {id: {_in: $ids}, _or: [
    {state: {_eq: "Scheduled"}},
    {state: {_eq: "Running"}, task_runs: {state_start_time: {_lte: $overdue}}}
  ]}) {${FLOW_RUN_FIELDS}
    task_runs(where: {state_start_time: {_lte: $overdue}}) { id version serialized_state }
  }
}`;

export const FIND = query("flow_run_find", "read flow runs")`
query($where: flow_run_bool_exp!, $limit: Int!, $overdue: timestamptz!) {
  flow_run(where: $where, order_by: [{created: desc}], limit: $limit) {${FLOW_RUN_FIELDS}
    task_runs(where: {state_start_time: {_lte: $overdue}}) { id version serialized_state }
  }
}`;

export function setStates(kind: "flow_run" | "task_run", action: string): Query {
  const name = `set_${kind}_states`;
  return query(name, action)`mutation($input: ${name}_input!) {
  ${name}(input: $input) { states { id status message } }
}`;
}

export const RUN_STATES = flowRuns(
  "flow_run_states",
  "read the states of flow runs",
  "id tenant_id name version serialized_state state_timestamp labels agent { name labels tenant_id }",
);

export const TASK_STATES = taskRuns("task_run_states", "read task runs", "id version serialized_state");

/** Only ids, since this runs every few seconds while many runs wait for their pods. */
export const CLAIMED_IDS = flowRuns("flow_run_claimed_ids", "find unfinished submissions", "id");

/** The latest Submitted state by any agent: an older claim is void once another agent has claimed the run. */
export const CLAIMED = query("flow_run_claimed", "find unfinished submissions")`
query($ids: [uuid!], $claimed: [task_run_bool_exp!]) {
  flow_run(where: {id: {_in: $ids}}) {${FLOW_RUN_FIELDS}
    heartbeat state_timestamp
    ${LAST_CLAIM} { serialized_state }
    task_runs(where: {state: {_eq: "Submitted"}, _or: $claimed}) { id version serialized_state }
    waiting: task_runs(
      where: {state: {_in: ["Scheduled", "Retrying", "Paused", "Resume", "Queued"]}}, limit: 1
    ) { id }
  }
}`;

export const LAST_CLAIMS = flowRuns(
  "flow_run_last_claim",
  "find who launched the flow runs",
  `id heartbeat ${LAST_CLAIM} { timestamp serialized_state }`,
);

export const WAITING_TASKS = taskRuns("task_run_waiting", "read the run's tasks", "id");
export const SUBMITTED_TASKS = taskRuns("task_run_unfinished", "read the run's tasks", "serialized_state");

/** All task runs of a run, and how results pass between them. */
export const TASK_GRAPH = query("task_graph", "read the run's tasks")`query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    task_runs { id task_id map_index serialized_state task { name slug } }
    flow { edges { upstream_task_id downstream_task_id key mapped } }
  }
}`;

export const WRITE_LOGS = query("write_run_logs", "write to the flow run's log")`
mutation($input: write_run_logs_input!) { write_run_logs(input: $input) { success error } }`;

/** The states of flow runs that are due, claimed or running, and of those that have ended since. */
export const RECENT_RUNS = query("flow_run_recent", "list the latest flow runs")`query(
  $tenant: uuid!, $finished: [String!], $now: timestamptz!, $since: timestamptz!, $limit: Int!
) {
  unfinished: flow_run(
    where: {tenant_id: {_eq: $tenant}, state: {_nin: $finished}, _or: [
      {state: {_neq: "Scheduled"}}, {state_start_time: {_lte: $now}}
    ]},
    order_by: [{state_timestamp: desc}], limit: $limit
  ) {${RECENT_FIELDS}}
  ended: flow_run(
    where: {tenant_id: {_eq: $tenant}, state: {_in: $finished}, state_timestamp: {_gte: $since}},
    order_by: [{state_timestamp: desc}], limit: $limit
  ) {${RECENT_FIELDS}}
}`;

export const CANCEL = query("cancel_flow_run", "cancel the flow run")`
mutation($input: cancel_flow_run_input!) { cancel_flow_run(input: $input) { state } }`;

/** Sends heartbeats for many runs in one request, each under its own alias: Lazarus then does not reschedule them. */
export function heartbeats(flowRunIds: readonly string[]): Query {
  const calls = flowRunIds.map(
    (id, at) => `h${at}: update_flow_run_heartbeat(input: {flow_run_id: ${JSON.stringify(id)}}) { success }`,
  );
  return query("update_flow_run_heartbeat", "send heartbeats")`mutation { ${calls.join(" ")} }`;
}
