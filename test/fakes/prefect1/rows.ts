// The rows of the fake's tables. Times are in the stored form of time.ts. Rows change only through Table.update.

import type { JsonObject } from "../../../src/base/json.ts";
import type { State } from "../../../src/prefect1/states.ts";

/** Any row, for code that knows only column names. */
export type Row = Readonly<Record<string, unknown>>;

type Common = { readonly id: string; readonly created: string; readonly updated: string };

/** The columns in which flow runs and task runs carry their newest state. */
export type StateColumns = {
  readonly version: number;
  readonly state: string | null;
  readonly state_timestamp: string | null;
  readonly state_start_time: string | null;
  readonly state_message: string | null;
  readonly state_result: unknown;
  readonly serialized_state: State | null;
  readonly start_time: string | null;
  readonly end_time: string | null;
  readonly heartbeat: string | null;
};

/** flow_run */
export type FlowRunRow = Common &
  StateColumns & {
    readonly tenant_id: string;
    readonly flow_id: string;
    readonly agent_id: string | null;
    readonly name: string | null;
    readonly labels: readonly string[];
    readonly run_config: JsonObject | null;
    readonly parameters: JsonObject;
    readonly context: JsonObject;
    readonly scheduled_start_time: string;
    readonly auto_scheduled: boolean;
    readonly times_resurrected: number;
    readonly idempotency_key: string | null;
  };

/** task_run; map_index is -1 but for the children of a mapped task. */
export type TaskRunRow = Common &
  StateColumns & {
    readonly tenant_id: string;
    readonly flow_run_id: string;
    readonly task_id: string;
    readonly map_index: number;
    readonly name: string | null;
    readonly cache_key: string | null;
  };

/** One state in a run's history. */
type HistoryColumns = Common & {
  readonly tenant_id: string;
  readonly timestamp: string;
  readonly state: string;
  readonly message: string | null;
  readonly result: unknown;
  readonly start_time: string | null;
  readonly version: number;
  readonly serialized_state: State;
};
/** flow_run_state */
export type FlowRunStateRow = HistoryColumns & { readonly flow_run_id: string };
/** task_run_state */
export type TaskRunStateRow = HistoryColumns & { readonly task_run_id: string };

/** log */
export type LogRow = Common & {
  readonly flow_run_id: string;
  readonly task_run_id: string | null;
  readonly tenant_id: null;
  readonly timestamp: string;
  readonly name: string | null;
  readonly level: string;
  readonly message: string | null;
  readonly info: unknown;
  readonly is_loaded_from_archive: boolean;
};

/** agent; labels are sorted. */
export type AgentRow = Common & {
  readonly tenant_id: string;
  readonly agent_config_id: string | null;
  readonly name: string | null;
  readonly type: string;
  readonly core_version: string | null;
  readonly labels: readonly string[];
  readonly last_queried: string | null;
};

/** agent_config */
export type AgentConfigRow = Common & {
  readonly tenant_id: string;
  readonly name: string | null;
  readonly settings: JsonObject;
};

/** edge; without a key only the upstream task's end is waited for. */
export type EdgeRow = Common & {
  readonly tenant_id: string;
  readonly flow_id: string;
  readonly upstream_task_id: string;
  readonly downstream_task_id: string;
  readonly key: string | null;
  readonly mapped: boolean;
};

/** flow */
export type FlowRow = Common & {
  readonly tenant_id: string;
  readonly project_id: string;
  readonly flow_group_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: number;
  readonly version_group_id: string;
  readonly core_version: string | null;
  readonly archived: boolean;
  readonly is_schedule_active: boolean;
  readonly environment: JsonObject | null;
  readonly storage: JsonObject | null;
  readonly run_config: JsonObject | null;
  readonly parameters: readonly JsonObject[];
  readonly settings: JsonObject;
  readonly serialized_flow: JsonObject | null;
  readonly schedule: null;
};

/** flow_group: what all versions of a flow share. */
export type FlowGroupRow = Common & {
  readonly tenant_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly labels: readonly string[] | null;
  readonly schedule: null;
  readonly settings: JsonObject;
  readonly default_parameters: JsonObject;
  readonly run_config: JsonObject | null;
};

/** task */
export type TaskRow = Common & {
  readonly tenant_id: string;
  readonly flow_id: string;
  readonly name: string;
  readonly slug: string;
  readonly type: string;
  readonly description: null;
  readonly max_retries: number;
  readonly mapped: boolean;
  readonly auto_generated: boolean;
  readonly is_root_task: boolean;
  readonly is_terminal_task: boolean;
  readonly is_reference_task: boolean;
  readonly tags: readonly string[];
};

/** tenant */
export type TenantRow = Common & {
  readonly name: string;
  readonly slug: string;
  readonly info: JsonObject;
  readonly settings: JsonObject;
};

/** project */
export type ProjectRow = Common & {
  readonly tenant_id: string;
  readonly name: string;
  readonly description: string | null;
};

/** Which row stands in which table. */
export interface RowOf {
  readonly agent: AgentRow;
  readonly agent_config: AgentConfigRow;
  readonly edge: EdgeRow;
  readonly flow: FlowRow;
  readonly flow_group: FlowGroupRow;
  readonly flow_run: FlowRunRow;
  readonly flow_run_state: FlowRunStateRow;
  readonly log: LogRow;
  readonly project: ProjectRow;
  readonly task: TaskRow;
  readonly task_run: TaskRunRow;
  readonly task_run_state: TaskRunStateRow;
  readonly tenant: TenantRow;
}
