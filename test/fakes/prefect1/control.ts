// What a test or the demo does to the fake from inside: make flows and runs, set states, look at what has become of them.

import type { JsonObject } from "../../../src/base/json.ts";
import type { State } from "../../../src/prefect1/states.ts";
import { ExpectedError } from "../../../src/base/errors.ts";
import { createFlowRun } from "./create-flow-run.ts";
import { createFlow } from "./flows.ts";
import type { FlowSpec } from "./flows.ts";
import type { AgentRow, FlowRow, FlowRunRow, LogRow, TaskRunRow } from "./rows.ts";
import { writeRunLogs } from "./run-logs.ts";
import { timeNow } from "./service.ts";
import type { Service } from "./service.ts";
import { deleteAgent } from "./agents.ts";
import { writeTaskRunState } from "./set-task-run-state.ts";
import { writeFlowRunState } from "./set-flow-run-state.ts";
import { storedState } from "./state-form.ts";
import { timeOf } from "./time.ts";

/** What is known of a flow run that is to be made. */
export interface FlowRunSpec {
  /** The flow, or its id. */
  readonly flow: string | Pick<FlowRow, "id">;
  readonly labels?: readonly string[];
  readonly runConfig?: JsonObject;
  /** When it is due; default now. */
  readonly startTime?: Date;
  readonly name?: string;
  readonly parameters?: JsonObject;
  readonly context?: JsonObject;
}

/** A state in a flow run's history. */
export interface PastState {
  readonly version: number;
  readonly type: string;
  readonly message: string | null;
  readonly at: string;
  readonly state: State;
}

/** The fake from inside. Rows are handed out as copies, times in the stored form of time.ts. */
export interface Control {
  createFlow(spec: FlowSpec): FlowRow;
  createFlowRun(spec: FlowRunSpec): FlowRunRow;
  /** A copy of the row as it stands, or undefined. */
  flowRun(id: string): FlowRunRow | undefined;
  /** The type of the flow run's state, such as Running; undefined for one that does not exist. */
  stateOf(id: string): string | undefined;
  /** The types of all states that it had, oldest first. */
  statesOf(id: string): string[];
  taskRuns(flowRunId: string): TaskRunRow[];
  /** Sets a flow run's state as somebody else would: by the server's rules, but for the Submitted lock. */
  setState(flowRunId: string, state: Pick<State, "type"> & JsonObject): void;
  /** As the flow's own process does: the run is alive. */
  heartbeat(flowRunId: string): void;
  deleteFlowRun(id: string): boolean;
  /** Adds a line to the flow run's log. */
  writeLog(
    flowRunId: string,
    line: { readonly name: string; readonly level: string; readonly message: string },
  ): void;
  /** Log lines in the order in which they were written. */
  logsOf(flowRunId: string): LogRow[];
  /** All states that the flow run had, oldest first. */
  history(flowRunId: string): PastState[];
  /** Sets a task run's state, by the server's rules. */
  setTaskState(taskRunId: string, state: Pick<State, "type"> & JsonObject): void;
  agents(): AgentRow[];
  deleteAgent(id: string): void;
}

/** The control of one tenant. Its calls throw ExpectedError for ids that do not exist, unless they can answer undefined. */
export function controlOf(service: Service, tenantId: string): Control {
  const { store } = service.db;
  const { tables } = store;
  return {
    createFlow: (spec) => ({ ...createFlow(service, tenantId, spec) }),
    createFlowRun: (spec) => {
      const { id } = createFlowRun(service, {}, inputFor(spec));
      return { ...existing(service, String(id)) };
    },
    flowRun: (id) => {
      const run = tables.flow_run.get(id);
      return run === undefined ? undefined : { ...run };
    },
    stateOf: (id) => tables.flow_run.get(id)?.state ?? undefined,
    statesOf: (id) => [...tables.flow_run_state.having("flow_run_id", id)].map(({ state }) => state),
    taskRuns: (id) => [...tables.task_run.having("flow_run_id", id)].map((row) => ({ ...row })),
    setState: (id, state) => {
      const stored = storedState(state, service.clock.now());
      writeFlowRunState(service, existing(service, id), stored);
    },
    heartbeat: (id) => {
      const now = timeNow(service);
      tables.flow_run.update(existing(service, id), { heartbeat: now, updated: now });
    },
    deleteFlowRun: (id) => store.deleteFlowRun(id),
    writeLog: (id, line) => void writeRunLogs(service, {}, { logs: [{ flow_run_id: id, ...line }] }),
    logsOf: (id) => [...tables.log.having("flow_run_id", id)].map((row) => ({ ...row })),
    history: (id) =>
      [...tables.flow_run_state.having("flow_run_id", id)].map((row) => ({
        version: row.version,
        type: row.state,
        message: row.message,
        at: row.timestamp,
        state: row.serialized_state,
      })),
    setTaskState: (id, state) => {
      const task = tables.task_run.get(id);
      if (task !== undefined) writeTaskRunState(service, task, storedState(state, service.clock.now()));
    },
    deleteAgent: (id) => void deleteAgent(service, {}, { agent_id: id }),
    agents: () => [...tables.agent.all()].map((row) => ({ ...row })),
  };
}

function existing(service: Service, id: string): FlowRunRow {
  const run = service.db.store.tables.flow_run.get(id);
  if (run === undefined) throw new ExpectedError(`cannot find flow run "${id}": the fake has none`);
  return run;
}

function inputFor(spec: FlowRunSpec): JsonObject {
  const start = spec.startTime;
  return {
    flow_id: typeof spec.flow === "string" ? spec.flow : spec.flow.id,
    labels: spec.labels,
    run_config: spec.runConfig,
    flow_run_name: spec.name,
    parameters: spec.parameters,
    context: spec.context,
    scheduled_start_time: start === undefined ? undefined : timeOf(start),
  };
}
