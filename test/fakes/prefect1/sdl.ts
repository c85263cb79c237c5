// The GraphQL schema of the fake as text: the tables' part is made from their shapes, the service's part is written out.

import { TABLE_NAMES } from "./tables.ts";
import type { ColumnType, TableName, TableShape } from "./tables.ts";

/** Prefect Server, or Prefect Cloud 1 as far as its clients knew it. */
export type Flavour = "server" | "cloud";

const ORDER = "asc asc_nulls_first asc_nulls_last desc desc_nulls_first desc_nulls_last";

/** The whole schema. Cloud's differs by `auth_info`. */
export function schemaText(shapes: Readonly<Record<TableName, TableShape>>, flavour: Flavour): string {
  const tables = TABLE_NAMES.map((name) => tableText(name, shapes[name]));
  return [
    "scalar UUID scalar DateTime scalar JSON scalar uuid scalar timestamptz scalar jsonb",
    `enum order_by { ${ORDER} }`,
    ...(["uuid", "timestamptz", "jsonb", "String", "Int", "Boolean"] as const).map(comparisonText),
    ...tables,
    `type Query { ${SERVICE_QUERIES} ${flavour === "cloud" ? "auth_info: auth_info" : ""} ${TABLE_NAMES.map(rootText).join(" ")} }`,
    flavour === "cloud" ? "type auth_info { tenant_id: UUID api_token_scope: String }" : "",
    SERVICE_TYPES,
    `type Mutation { ${mutationsText()} }`,
    INPUTS,
  ].join("\n");
}

function tableText(name: TableName, shape: TableShape): string {
  const columns = [...shape.columns];
  const relations = [...shape.relations];
  const fields = [
    ...columns.map(([column, { type, required }]) => {
      const path = type === "jsonb" ? "(path: String)" : "";
      return `${column}${path}: ${type}${required ? "!" : ""}`;
    }),
    ...relations.map(([relation, { kind, table }]) =>
      kind === "one"
        ? `${relation}: ${table}`
        : `${relation}(${argumentsOf(table)}): [${table}!]! ${relation}_aggregate(${argumentsOf(table)}): ${table}_aggregate!`,
    ),
  ];
  const filters = [
    ...columns.map(([column, { type }]) => `${column}: ${type}_comparison_exp`),
    ...relations.map(([relation, { table }]) => `${relation}: ${table}_bool_exp`),
  ];
  const orders = [
    ...columns.map(([column]) => `${column}: order_by`),
    ...relations
      .filter(([, { kind }]) => kind === "one")
      .map(([relation, { table }]) => `${relation}: ${table}_order_by`),
  ];
  return `type ${name} { ${fields.join(" ")} }
input ${name}_bool_exp { _and: [${name}_bool_exp!] _or: [${name}_bool_exp!] _not: ${name}_bool_exp ${filters.join(" ")} }
input ${name}_order_by { ${orders.join(" ")} }
enum ${name}_select_column { ${columns.map(([column]) => column).join(" ")} }
type ${name}_aggregate { aggregate: ${name}_aggregate_fields nodes: [${name}!]! }
type ${name}_aggregate_fields { count: Int! }`;
}

function argumentsOf(table: TableName): string {
  return `where: ${table}_bool_exp, order_by: [${table}_order_by!], limit: Int, offset: Int, distinct_on: [${table}_select_column!]`;
}

function comparisonText(type: ColumnType): string {
  const common = `_eq: ${type} _neq: ${type} _in: [${type}!] _nin: [${type}!] _is_null: Boolean`;
  const order = `_gt: ${type} _gte: ${type} _lt: ${type} _lte: ${type}`;
  const like = "_like: String _nlike: String _ilike: String _nilike: String";
  const json =
    "_contains: jsonb _contained_in: jsonb _has_key: String _has_keys_any: [String!] _has_keys_all: [String!]";
  const extra = type === "jsonb" ? json : `${order} ${type === "String" ? like : ""}`;
  return `input ${type}_comparison_exp { ${common} ${extra} }`;
}

function rootText(table: TableName): string {
  return `${table}(${argumentsOf(table)}): [${table}!]!
    ${table}_by_pk(id: uuid!): ${table}
    ${table}_aggregate(${argumentsOf(table)}): ${table}_aggregate!`;
}

const SERVICE_QUERIES = `
  hello: String
  api: api_information
  get_task_run_info(task_run_id: UUID!): task_run_info_payload
`;

const SERVICE_TYPES = `
type api_information { backend: String mode: String version: String core_version: String release_timestamp: String }
type id_payload { id: UUID }
type success_payload { success: Boolean error: String }
type runs_in_queue_payload { flow_run_ids: [String!] }
type set_state_payload { id: UUID status: String message: String }
type set_states_payload { states: [set_state_payload!] }
type cancel_flow_run_payload { state: String }
type task_run_info_payload { id: UUID version: Int serialized_state: JSON state: String }
enum log_level { DEBUG INFO WARNING ERROR CRITICAL }
`;

/** `name: result`; each takes one argument, `input: name_input!`. */
const MUTATION_RESULTS = {
  register_agent: "id_payload",
  delete_agent: "success_payload",
  create_agent_config: "id_payload",
  get_runs_in_queue: "runs_in_queue_payload",
  set_flow_run_states: "set_states_payload",
  set_task_run_states: "set_states_payload",
  cancel_flow_run: "cancel_flow_run_payload",
  write_run_logs: "success_payload",
  create_flow_run: "id_payload",
  delete_flow_run: "success_payload",
  update_flow_run_heartbeat: "success_payload",
  update_task_run_heartbeat: "success_payload",
  get_or_create_task_run: "id_payload",
  get_or_create_task_run_info: "task_run_info_payload",
} as const;

/** The mutations that the fake knows. */
export type MutationName = keyof typeof MUTATION_RESULTS;

function mutationsText(): string {
  return Object.entries(MUTATION_RESULTS)
    .map(([name, result]) => `${name}(input: ${name}_input!): ${result}`)
    .join("\n");
}

const INPUTS = `
input register_agent_input { tenant_id: UUID labels: [String!] agent_config_id: UUID type: String! name: String }
input delete_agent_input { agent_id: UUID! }
input create_agent_config_input { tenant_id: UUID! name: String settings: JSON }
input get_runs_in_queue_input { tenant_id: UUID! before: DateTime labels: [String!] }
input set_flow_run_state_input { flow_run_id: UUID! version: Int state: JSON! }
input set_flow_run_states_input { states: [set_flow_run_state_input!]! }
input set_task_run_state_input { task_run_id: UUID! version: Int state: JSON! flow_run_version: Int }
input set_task_run_states_input { states: [set_task_run_state_input!]! }
input cancel_flow_run_input { flow_run_id: UUID! }
input write_run_log_input {
  flow_run_id: UUID! task_run_id: UUID timestamp: DateTime message: String name: String level: log_level info: JSON
}
input write_run_logs_input { logs: [write_run_log_input!]! }
input create_flow_run_input {
  flow_id: UUID version_group_id: String parameters: JSON labels: [String!] run_config: JSON context: JSON
  scheduled_start_time: DateTime idempotency_key: String flow_run_name: String
}
input delete_flow_run_input { flow_run_id: UUID! }
input update_flow_run_heartbeat_input { flow_run_id: UUID! }
input update_task_run_heartbeat_input { task_run_id: UUID! }
input get_or_create_task_run_input { flow_run_id: UUID! task_id: UUID! map_index: Int }
input get_or_create_task_run_info_input { flow_run_id: UUID! task_id: UUID! map_index: Int }
`;
