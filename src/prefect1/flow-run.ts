// A flow run with the columns of Prefect 1's `flow_run` table.

import type { JsonObject } from "../base/json.ts";
import type { State } from "./states.ts";

export interface FlowRun {
  readonly id: string;
  readonly name: string | null;
  readonly version: number;
  /** The state's type. */
  readonly state: string;
  readonly serialized_state: State;
  /** Null: a KubernetesRun with defaults. */
  readonly run_config: JsonObject | null;
  readonly labels?: readonly string[] | null;
  readonly flow: Flow;
  /** For a Running flow run: the task runs whose start time has passed. */
  readonly task_runs: readonly TaskRun[];
}

export interface Flow {
  readonly id: string;
  readonly name: string;
  readonly core_version: string | null;
  readonly storage: JsonObject | null;
}

export interface TaskRun {
  readonly id: string;
  readonly version: number;
  readonly serialized_state: State;
}
