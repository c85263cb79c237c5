// The executable schema: the text of sdl.ts, with every table field answered from the store and every mutation by its function.

import { buildASTSchema, parse, GraphQLObjectType } from "graphql";
import type { GraphQLField, GraphQLSchema, DocumentNode } from "graphql";

import type { JsonObject } from "../../../src/base/json.ts";
import { createAgentConfig, deleteAgent, registerAgent } from "./agents.ts";
import { operandOf } from "./comparison.ts";
import { createFlowRun } from "./create-flow-run.ts";
import { cancelFlowRun, deleteFlowRun, updateFlowRunHeartbeat } from "./flow-runs.ts";
import { jsonAt } from "./jsonb.ts";
import { runsInQueue } from "./queue.ts";
import { related, tableOf } from "./related.ts";
import type { Database } from "./related.ts";
import type { Row } from "./rows.ts";
import { writeRunLogs } from "./run-logs.ts";
import { schemaText } from "./sdl.ts";
import type { MutationName } from "./sdl.ts";
import { selectRows } from "./select.ts";
import type { SelectArguments } from "./select.ts";
import type { Caller, Service } from "./service.ts";
import { setFlowRunStates } from "./set-flow-run-state.ts";
import { setTaskRunStates } from "./set-task-run-state.ts";
import { TABLE_NAMES } from "./tables.ts";
import type { TableName } from "./tables.ts";
import { getOrCreateTaskRun, taskRunInfo, updateTaskRunHeartbeat } from "./task-runs.ts";
import { shownTime } from "./time.ts";

type Mutation = (service: Service, caller: Caller, input: JsonObject) => JsonObject;

const MUTATIONS: Readonly<Record<MutationName, Mutation>> = {
  register_agent: registerAgent,
  delete_agent: deleteAgent,
  create_agent_config: createAgentConfig,
  get_runs_in_queue: runsInQueue,
  set_flow_run_states: setFlowRunStates,
  set_task_run_states: setTaskRunStates,
  cancel_flow_run: cancelFlowRun,
  write_run_logs: writeRunLogs,
  create_flow_run: createFlowRun,
  delete_flow_run: deleteFlowRun,
  update_flow_run_heartbeat: updateFlowRunHeartbeat,
  update_task_run_heartbeat: updateTaskRunHeartbeat,
  get_or_create_task_run: getOrCreateTaskRun,
  get_or_create_task_run_info: getOrCreateTaskRun,
};

/** Schema texts that were parsed and found valid: a simulation makes thousands of fakes. */
const parsed = new Map<string, DocumentNode>();

function schemaOf(text: string): GraphQLSchema {
  const known = parsed.get(text);
  if (known !== undefined) return buildASTSchema(known, { assumeValid: true, assumeValidSDL: true });
  const document = parse(text);
  const schema = buildASTSchema(document);
  parsed.set(text, document);
  return schema;
}

/** The schema; its context value is the Caller. */
export function executableSchema(service: Service): GraphQLSchema {
  const schema = schemaOf(schemaText(service.db.shapes, service.flavour));
  const query = fieldsOf(schema, "Query");
  for (const name of TABLE_NAMES) {
    resolveTable(service.db, name, fieldsOf(schema, name));
    resolveRoots(service.db, name, query);
  }
  resolveQueries(service, query);
  const mutations = fieldsOf(schema, "Mutation");
  for (const [name, mutate] of Object.entries(MUTATIONS)) {
    on(mutations, name, (_root, args, caller) => mutate(service, caller, args["input"] as JsonObject));
  }
  return schema;
}

type Fields = Readonly<Record<string, GraphQLField<Row, Caller>>>;
type Resolve = (row: Row, args: JsonObject, caller: Caller) => unknown;

function fieldsOf(schema: GraphQLSchema, name: string): Fields {
  const type = schema.getType(name);
  return type instanceof GraphQLObjectType ? type.getFields() : {};
}

function on(fields: Fields, name: string, resolve: Resolve): void {
  const field = fields[name];
  if (field !== undefined) field.resolve = resolve;
}

/** Columns need no resolver but for their outer form; relationships are followed. */
function resolveTable(db: Database, name: TableName, fields: Fields): void {
  for (const [column, { type }] of db.shapes[name].columns) {
    if (type === "timestamptz") on(fields, column, (row) => shown(row[column]));
    if (type === "jsonb") {
      on(fields, column, (row, { path }) =>
        typeof path === "string" ? jsonAt(row[column], path) : row[column],
      );
    }
  }
  for (const [field, relation] of db.shapes[name].relations) {
    if (relation.kind === "one") {
      on(fields, field, (row) => [...related(db, relation, row)][0] ?? null);
      continue;
    }
    const rows: Resolve = (row, args) =>
      selectRows(db, relation.table, { ...selection(args), from: related(db, relation, row) });
    on(fields, field, rows);
    on(fields, `${field}_aggregate`, (row, args, caller) => aggregate(rows(row, args, caller) as Row[]));
  }
}

function resolveRoots(db: Database, name: TableName, query: Fields): void {
  on(query, name, (_root, args) => selectRows(db, name, selection(args)));
  on(query, `${name}_aggregate`, (_root, args) => aggregate(selectRows(db, name, selection(args))));
  on(query, `${name}_by_pk`, (_root, { id }) => tableOf(db, name).get(String(operandOf("uuid", id))) ?? null);
}

function resolveQueries(service: Service, query: Fields): void {
  on(query, "hello", () => "👋");
  on(query, "api", () => ({
    backend: service.flavour.toUpperCase(),
    mode: "normal",
    version: "kubectl-prefect fake",
    core_version: "1.4.1",
    release_timestamp: "2022-11-17T00:00:00+00:00",
  }));
  on(query, "get_task_run_info", (_root, args) => taskRunInfo(service, args));
  on(query, "auth_info", () => {
    const [tenant] = service.db.store.tables.tenant.all();
    return { tenant_id: tenant?.id ?? null, api_token_scope: "RUNNER" };
  });
}

function aggregate(rows: readonly Row[]): JsonObject {
  return { aggregate: { count: rows.length }, nodes: rows };
}

function selection(args: JsonObject): SelectArguments {
  return args;
}

function shown(value: unknown): unknown {
  return typeof value === "string" ? shownTime(value) : value;
}
