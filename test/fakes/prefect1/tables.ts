// The tables of a Prefect 1 Server as Hasura shows them: columns, their types, and relationships. Plain data, from which
// the GraphQL schema and the filters are made.

/** The column types that Hasura knows here. */
export type ColumnType = "uuid" | "timestamptz" | "jsonb" | "String" | "Int" | "Boolean";

/** A column; `required` is NOT NULL. */
export interface Column {
  readonly type: ColumnType;
  readonly required: boolean;
}

/** A relationship: `one` follows a column of this table to another table's id, `many` is the way back. */
export interface Relation {
  readonly kind: "one" | "many";
  readonly table: TableName;
  /** `one`: this table's column. `many`: the other table's column. */
  readonly column: string;
}

/** What a table looks like from outside. */
export interface TableShape {
  readonly columns: ReadonlyMap<string, Column>;
  readonly relations: ReadonlyMap<string, Relation>;
}

/** The tables that the fake shows. */
export const TABLE_NAMES = [
  "agent",
  "agent_config",
  "edge",
  "flow",
  "flow_group",
  "flow_run",
  "flow_run_state",
  "log",
  "project",
  "task",
  "task_run",
  "task_run_state",
  "tenant",
] as const;

/** One of them. */
export type TableName = (typeof TABLE_NAMES)[number];

type ColumnLists = Partial<Record<ColumnType, string>>;
type RelationLists = { readonly one?: string; readonly many?: string };

/** Every table has these three. */
const COMMON = { uuid: "id!", timestamptz: "created! updated!" };

const STATE_COLUMNS = {
  timestamptz: "start_time end_time heartbeat state_timestamp state_start_time",
  jsonb: "state_result serialized_state",
};

const HISTORY_COLUMNS = {
  timestamptz: "timestamp! start_time",
  String: "state! message",
  Int: "version",
  jsonb: "result serialized_state!",
};

/** The shapes, made anew: nothing is shared between servers. `name!` is NOT NULL; relations read `name:table:column`. */
export function tableShapes(): Readonly<Record<TableName, TableShape>> {
  return {
    ...flowShapes(),
    ...runShapes(),
    agent: shape(
      {
        uuid: "tenant_id! agent_config_id",
        String: "name type core_version",
        jsonb: "labels!",
        timestamptz: "last_queried",
      },
      {
        one: "agent_config:agent_config:agent_config_id tenant:tenant:tenant_id",
        many: "flow_runs:flow_run:agent_id",
      },
    ),
    agent_config: shape(
      { uuid: "tenant_id!", String: "name", jsonb: "settings!" },
      { many: "agents:agent:agent_config_id" },
    ),
    project: shape(
      { uuid: "tenant_id", String: "name! description" },
      { one: "tenant:tenant:tenant_id", many: "flows:flow:project_id" },
    ),
    tenant: shape(
      { String: "name! slug!", jsonb: "info settings!" },
      { many: "projects:project:tenant_id flows:flow:tenant_id flow_groups:flow_group:tenant_id" },
    ),
  };
}

/** What registration makes of a flow. */
function flowShapes(): Pick<Record<TableName, TableShape>, "edge" | "flow" | "flow_group" | "task"> {
  return {
    edge: shape(
      {
        uuid: "tenant_id flow_id! upstream_task_id! downstream_task_id!",
        String: "key",
        Boolean: "mapped",
      },
      {
        one: "flow:flow:flow_id upstream_task:task:upstream_task_id downstream_task:task:downstream_task_id",
      },
    ),
    flow: shape(
      {
        uuid: "tenant_id project_id! flow_group_id!",
        String: "name! description version_group_id core_version",
        Int: "version",
        Boolean: "archived! is_schedule_active!",
        jsonb: "environment storage run_config parameters settings! serialized_flow schedule",
      },
      {
        one: "project:project:project_id tenant:tenant:tenant_id flow_group:flow_group:flow_group_id",
        many: "tasks:task:flow_id edges:edge:flow_id flow_runs:flow_run:flow_id",
      },
    ),
    flow_group: shape(
      {
        uuid: "tenant_id",
        String: "name description",
        jsonb: "labels schedule settings! default_parameters! run_config",
      },
      { one: "tenant:tenant:tenant_id", many: "flows:flow:flow_group_id" },
    ),
    task: shape(
      {
        uuid: "tenant_id flow_id!",
        String: "name slug type description",
        Int: "max_retries",
        Boolean: "mapped auto_generated is_root_task is_terminal_task is_reference_task",
        jsonb: "tags",
      },
      {
        one: "flow:flow:flow_id",
        many: "task_runs:task_run:task_id upstream_edges:edge:downstream_task_id downstream_edges:edge:upstream_task_id",
      },
    ),
  };
}

/** What belongs to a single flow run. */
function runShapes(): Pick<
  Record<TableName, TableShape>,
  "flow_run" | "task_run" | "flow_run_state" | "task_run_state" | "log"
> {
  return {
    flow_run: shape(
      {
        uuid: "tenant_id flow_id! agent_id",
        String: "name state state_message idempotency_key",
        Int: "version! times_resurrected",
        Boolean: "auto_scheduled!",
        timestamptz: `scheduled_start_time! ${STATE_COLUMNS.timestamptz}`,
        jsonb: `labels! run_config parameters context ${STATE_COLUMNS.jsonb}`,
      },
      {
        one: "flow:flow:flow_id tenant:tenant:tenant_id agent:agent:agent_id",
        many: "states:flow_run_state:flow_run_id task_runs:task_run:flow_run_id logs:log:flow_run_id",
      },
    ),
    task_run: shape(
      {
        uuid: "tenant_id flow_run_id! task_id!",
        String: "name cache_key state state_message",
        Int: "map_index! version!",
        ...STATE_COLUMNS,
      },
      {
        one: "flow_run:flow_run:flow_run_id task:task:task_id tenant:tenant:tenant_id",
        many: "states:task_run_state:task_run_id logs:log:task_run_id",
      },
    ),
    flow_run_state: shape({ uuid: "tenant_id flow_run_id!", ...HISTORY_COLUMNS }, {}),
    task_run_state: shape({ uuid: "tenant_id task_run_id!", ...HISTORY_COLUMNS }, {}),
    log: shape(
      {
        uuid: "flow_run_id task_run_id tenant_id",
        timestamptz: "timestamp!",
        String: "name level message",
        jsonb: "info",
        Boolean: "is_loaded_from_archive",
      },
      {},
    ),
  };
}

function shape(columns: ColumnLists, relations: RelationLists): TableShape {
  return {
    columns: new Map([...columnsIn(COMMON), ...columnsIn(columns)]),
    relations: new Map([...relationsIn("one", relations.one), ...relationsIn("many", relations.many)]),
  };
}

function columnsIn(lists: ColumnLists): [string, Column][] {
  return Object.entries(lists).flatMap(([type, names]) =>
    names.split(" ").map((name): [string, Column] => {
      const required = name.endsWith("!");
      return [required ? name.slice(0, -1) : name, { type: type as ColumnType, required }];
    }),
  );
}

function relationsIn(kind: Relation["kind"], list = ""): [string, Relation][] {
  return list
    .split(" ")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [name = "", table = "", column = ""] = entry.split(":");
      return [name, { kind, table: table as TableName, column }];
    });
}
