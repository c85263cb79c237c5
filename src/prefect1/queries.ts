// All queries and mutations for Prefect 1. Mutation inputs use the scalars of Prefect's Python service (UUID, JSON,
// DateTime), table arguments those of Hasura (uuid, jsonb, timestamptz).

export interface Query {
  /** A short name for metrics. */
  readonly name: string;
  /** Follows "cannot" in error messages. */
  readonly action: string;
  readonly document: string;
}

const query =
  (name: string, action: string) =>
  (document: TemplateStringsArray, ...fields: readonly string[]): Query => ({
    name,
    action,
    document: String.raw(document, ...fields),
  });

const FLOW_RUN_FIELDS = `
  id name version state serialized_state run_config labels
  flow { id name storage core_version }`;

const RECENT_FIELDS = `
  id name version serialized_state state_timestamp labels run_config agent { name labels tenant_id }`;

export const TENANT = query("tenant", "find the tenant")`query { tenant { id } }`;
export const AUTH_INFO = query("auth_info", "find the tenant")`query { auth_info { tenant_id } }`;
export const HELLO = query("hello", "use the Prefect API")`query { hello }`;
export const API = query("api", "read the backend of the API")`query { api { backend } }`;
export const TENANT_BY_ID = query("tenant", "read the tenant")`
query($tenant: uuid!) { tenant(where: {id: {_eq: $tenant}}) { id name } }`;

/** Every Kubernetes agent; the most recent first, since rows of agents are never deleted. */
export const KUBERNETES_AGENTS = query("agents", "list agents")`query($tenant: uuid!, $limit: Int!) {
  agent(
    where: {tenant_id: {_eq: $tenant}, type: {_eq: "KubernetesAgent"}},
    order_by: [{last_queried: desc_nulls_last}], limit: $limit
  ) { id name labels tenant_id last_queried }
}`;

export const DUE_RUNS = query("flow_run_late", "list due flow runs")`
query($tenant: uuid!, $before: timestamptz!, $limit: Int!) {
  flow_run(
    where: {tenant_id: {_eq: $tenant}, state: {_eq: "Scheduled"}, state_start_time: {_lte: $before}},
    order_by: [{state_start_time: asc}], limit: $limit
  ) { name labels state_start_time }
}`;

export const STALLED_RUNS = query("stalled_runs", "list stalled runs")`
query($tenant: uuid!, $before: timestamptz!, $limit: Int!) {
  flow_run(
    where: {tenant_id: {_eq: $tenant}, _or: [
      {state: {_eq: "Submitted"}},
      {state: {_eq: "Running"}, heartbeat: {_lte: $before}}
    ]},
    order_by: [{heartbeat: asc}], limit: $limit
  ) {
    id name state state_timestamp heartbeat times_resurrected serialized_state
    flow { flow_group { settings } }
  }
}`;

/** The last claim of each run that is Submitted or Running, the newest first. */
export const CLAIMS = query("flow_run_claims", "list claims")`query($tenant: uuid!, $limit: Int!) {
  flow_run(
    where: {tenant_id: {_eq: $tenant}, state: {_in: ["Submitted", "Running"]}},
    order_by: [{state_timestamp: desc_nulls_last}], limit: $limit
  ) {
    states(where: {state: {_eq: "Submitted"}}, order_by: [{version: desc}], limit: 1) { serialized_state }
  }
}`;

export const REGISTER_AGENT = query("register_agent", "register the agent")`
mutation($input: register_agent_input!) { register_agent(input: $input) { id } }`;

export const QUEUE = query("get_runs_in_queue", "list due flow runs")`
mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }`;

/** Due runs by label; the queue considers only the 75 oldest runs of all agents. */
export const DUE = query("flow_run_due", "list due flow runs")`
query($where: flow_run_bool_exp!, $limit: Int!) {
  flow_run(where: $where, order_by: [{state_start_time: asc}], limit: $limit) { id }
}`;

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

export const RUN_STATES = query("flow_run_states", "read the states of flow runs")`query($ids: [uuid!]) {
  flow_run(where: {id: {_in: $ids}}) {
    id tenant_id name version serialized_state state_timestamp labels
    agent { name labels tenant_id }
  }
}`;

export const TASK_STATES = query("task_run_states", "read task runs")`query($ids: [uuid!]) {
  task_run(where: {id: {_in: $ids}}) { id version serialized_state }
}`;

/** Only ids, since this runs every few seconds while many runs wait for their pods. */
export const CLAIMED_IDS = query("flow_run_claimed_ids", "find unfinished submissions")`
query($where: flow_run_bool_exp!, $limit: Int!, $offset: Int!) {
  flow_run(where: $where, order_by: [{id: asc}], limit: $limit, offset: $offset) { id }
}`;

/** The latest Submitted state by any agent: an older claim is void once another agent has claimed the run. */
export const CLAIMED = query("flow_run_claimed", "find unfinished submissions")`
query($ids: [uuid!], $claimed: [task_run_bool_exp!]) {
  flow_run(where: {id: {_in: $ids}}) {${FLOW_RUN_FIELDS}
    heartbeat state_timestamp
    states(where: {state: {_eq: "Submitted"}}, order_by: [{version: desc}], limit: 1) { serialized_state }
    task_runs(where: {state: {_eq: "Submitted"}, _or: $claimed}) { id version serialized_state }
    waiting: task_runs(
      where: {state: {_in: ["Scheduled", "Retrying", "Paused", "Resume", "Queued"]}}, limit: 1
    ) { id }
  }
}`;

export const LAST_CLAIMS = query(
  "flow_run_last_claim",
  "find who launched the flow runs",
)`query($ids: [uuid!]) {
  flow_run(where: {id: {_in: $ids}}) {
    id heartbeat
    states(where: {state: {_eq: "Submitted"}}, order_by: [{version: desc}], limit: 1) { timestamp serialized_state }
  }
}`;

export const WAITING_TASKS = query("task_run_waiting", "read the run's tasks")`
query($id: uuid!, $waiting: [String!]) {
  task_run(where: {flow_run_id: {_eq: $id}, state: {_in: $waiting}}, limit: 1) { id }
}`;

/** Except those that wait for a start time. */
export const UNFINISHED_TASKS = query("task_run_unfinished", "read the run's tasks")`query($id: uuid!) {
  task_run(where: {flow_run_id: {_eq: $id}, state: {_in: ["Running", "Submitted", "Pending"]}}) {
    id version serialized_state
  }
}`;

/** All task runs of a run, and how results pass between them. */
export const TASK_GRAPH = query("task_graph", "read the run's tasks")`query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    task_runs { id task_id map_index serialized_state task { name slug } }
    flow { edges { upstream_task_id downstream_task_id key mapped } }
  }
}`;

export const KNOWN_FLOWS = query("flow_known", "read flows")`query($tenant: uuid!, $ids: [uuid!]) {
  flow(where: {tenant_id: {_eq: $tenant}, id: {_in: $ids}}) { id }
}`;

export const WRITE_LOGS = query("write_run_logs", "write to the flow run's log")`
mutation($input: write_run_logs_input!) { write_run_logs(input: $input) { success error } }`;

export const LOG_LINES = query("log", "read the flow run's log")`
query($where: log_bool_exp!, $limit: Int!, $offset: Int!) {
  log(where: $where, order_by: [{timestamp: asc}, {id: asc}], limit: $limit, offset: $offset) { flow_run_id message }
}`;

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

export const LOG_PAGE = query("log_page", "read the flow run's log")`
query($where: log_bool_exp!, $order: [log_order_by!], $offset: Int!, $limit: Int!) {
  log(where: $where, order_by: $order, offset: $offset, limit: $limit) { timestamp level name message }
}`;

export const TENANT_SLUG = query("tenant_slug", "find the run's page")`
query($tenant: uuid!) { tenant(where: {id: {_eq: $tenant}}) { slug } }`;

export const CANCEL = query("cancel_flow_run", "cancel the flow run")`
mutation($input: cancel_flow_run_input!) { cancel_flow_run(input: $input) { state } }`;

/** Sends heartbeats for many runs in one request, each under its own alias: Lazarus then does not reschedule them. */
export function heartbeats(flowRunIds: readonly string[]): Query {
  const calls = flowRunIds.map(
    (id, at) => `h${at}: update_flow_run_heartbeat(input: {flow_run_id: ${JSON.stringify(id)}}) { success }`,
  );
  return query("update_flow_run_heartbeat", "send heartbeats")`mutation { ${calls.join(" ")} }`;
}
