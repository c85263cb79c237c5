// The fake's database: plain data with indexes, and nothing of HTTP or GraphQL. Good for tens of thousands of flow runs.

import { isFinished } from "../../../src/prefect1/states.ts";
import type { RowOf } from "./rows.ts";
import { Table } from "./table.ts";
import type { Change } from "./table.ts";
import type { TableName } from "./tables.ts";

/** How much the store remembers. */
export interface StoreOptions {
  /** How many finished flow runs stay; older ones go with all that belongs to them. Without it: all. */
  readonly keepFinished?: number | undefined;
}

type Tables = { readonly [K in TableName]: Table<RowOf[K]> };

/** Which columns have an index, the most selective first. */
const INDEXES: { readonly [K in TableName]?: { equal?: readonly string[]; sorted?: readonly string[] } } = {
  agent: { equal: ["tenant_id"] },
  edge: { equal: ["flow_id", "upstream_task_id", "downstream_task_id"] },
  flow: { equal: ["flow_group_id", "version_group_id", "project_id"] },
  flow_run: {
    equal: ["idempotency_key", "flow_id", "agent_id", "state"],
    sorted: ["state_start_time"],
  },
  flow_run_state: { equal: ["flow_run_id"] },
  log: { equal: ["task_run_id", "flow_run_id"] },
  task: { equal: ["flow_id"] },
  task_run: { equal: ["flow_run_id", "task_id", "state"], sorted: ["state_start_time"] },
  task_run_state: { equal: ["task_run_id"] },
};

/** All tables of one fake. */
export class Store {
  readonly tables: Tables;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #keepFinished: number;
  /** Ids of runs that finished, oldest first; a run that was started again is skipped when its turn comes. */
  readonly #finished = new Set<string>();

  constructor(options: StoreOptions = {}) {
    this.#keepFinished = options.keepFinished ?? Number.POSITIVE_INFINITY;
    this.tables = this.#makeTables();
  }

  /** Calls back after every change, at once; the answer ends it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Removes a flow run with its task runs, states and logs. False: there is none. */
  deleteFlowRun(id: string): boolean {
    const { flow_run, flow_run_state, task_run, task_run_state, log } = this.tables;
    const row = flow_run.get(id);
    if (row === undefined) return false;
    for (const task of task_run.having("flow_run_id", id)) {
      for (const state of task_run_state.having("task_run_id", task.id)) task_run_state.delete(state);
      task_run.delete(task);
    }
    for (const state of flow_run_state.having("flow_run_id", id)) flow_run_state.delete(state);
    for (const line of log.having("flow_run_id", id)) log.delete(line);
    flow_run.delete(row);
    return true;
  }

  /** To be told when a run finishes: removes the oldest finished ones beyond what is kept. */
  noteFinished(id: string): void {
    if (this.#keepFinished === Number.POSITIVE_INFINITY) return;
    this.#finished.delete(id);
    this.#finished.add(id);
    for (const oldest of this.#finished) {
      if (this.#finished.size <= this.#keepFinished) return;
      this.#finished.delete(oldest);
      const row = this.tables.flow_run.get(oldest);
      if (row !== undefined && isFinished(row.state ?? "")) this.deleteFlowRun(row.id);
    }
  }

  #makeTables(): Tables {
    const changed = (change: Change): void => {
      for (const listener of this.#listeners) listener(change);
    };
    const table = <K extends TableName>(name: K): Table<RowOf[K]> =>
      new Table<RowOf[K]>(name, { ...INDEXES[name], changed });
    return {
      agent: table("agent"),
      agent_config: table("agent_config"),
      edge: table("edge"),
      flow: table("flow"),
      flow_group: table("flow_group"),
      flow_run: table("flow_run"),
      flow_run_state: table("flow_run_state"),
      log: table("log"),
      project: table("project"),
      task: table("task"),
      task_run: table("task_run"),
      task_run_state: table("task_run_state"),
      tenant: table("tenant"),
    };
  }
}
