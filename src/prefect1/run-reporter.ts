// Reports states and logs of flow runs to Prefect 1. Prefect 1 has no Crashed state; it becomes Failed.

import type { ServerClock } from "../base/server-clock.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import {
  storable,
  type LastClaim,
  type RunLog,
  type RunReporter,
  type TransitionResult,
} from "../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "./client.ts";
import { restartRun } from "./restart.ts";
import { newState, isoUtc, stateIn, WAITING } from "./states.ts";
import { claimRecord } from "./run-state.ts";
import { arrayIn, dateIn, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { heartbeats, LAST_CLAIMS, LOG, WAITING_TASKS, WRITE_LOGS } from "./queries.ts";
import type { Graphql } from "./graphql.ts";

const STATES = { failed: "Failed", crashed: "Failed", cancelled: "Cancelled" } as const;

/** `time`: the server's. */
export function prefect1Reporter(client: Prefect1Client, time: Pick<ServerClock, "now">): RunReporter {
  return {
    ...runLogs(client.graphql),
    rows: (ids) => client.runs(ids),
    lastClaims: async (ids) => {
      const rows = await client.graphql.rows(LAST_CLAIMS, { where: { id: { _in: ids } } });
      return new Map(rows.map(lastClaimIn).filter((each) => each !== undefined));
    },
    hasWaitingTask: async (id) => {
      const where = { flow_run_id: { _eq: id }, state: { _in: WAITING } };
      return (await client.graphql.rows(WAITING_TASKS, { where, limit: 1 })).length > 0;
    },
    transition: (flowRunId, { type, message, version }) => {
      const state = newState(STATES[type], message);
      return movedIfLocked(() => client.setState({ flowRunId, state, version }));
    },
    restart: (flowRunId, request) =>
      movedIfLocked(() => restartRun(client, { ...request, flowRunId, now: time.now() })),
    keepAlive: async (flowRunIds) => void (await client.graphql.request(heartbeats(flowRunIds))),
  };
}

function lastClaimIn(row: JsonObject): [string, LastClaim] | undefined {
  const id = textIn(row["id"]) ?? "";
  const [state] = arrayIn(row["states"]).map(objectIn);
  const claim = claimRecord(id, stateIn(state?.["serialized_state"]));
  const at = dateIn(state?.["timestamp"]);
  const heartbeatAt = dateIn(row["heartbeat"]);
  return claim === undefined || at === undefined ? undefined : [id, { claim, at, heartbeatAt }];
}

/** Returns `moved` when the state has changed in the meantime. */
async function movedIfLocked(call: () => Promise<void>): Promise<TransitionResult> {
  try {
    await call();
    return "accepted";
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "locked") return "moved";
    throw error;
  }
}

/** Prefect's limit for a log message. */
const MAX_MESSAGE = 1_000_000;
const LINES = 1_000;
const OLDEST_FIRST = [{ timestamp: "asc" }, { id: "asc" }];

/** The logs of flow runs; lines are read oldest first. All calls throw PrefectError. */
function runLogs(graphql: Pick<Graphql, "rows" | "object">): Pick<RunReporter, "writeLogs" | "messages"> {
  return {
    writeLogs: async (logs) => {
      const { success, error } = await graphql.object(WRITE_LOGS, { input: { logs: logs.map(logInput) } });
      if (success === false)
        throw new PrefectError(WRITE_LOGS.action, textIn(error) ?? "refused", { failure: "refused" });
    },
    messages: async (flowRunId, { containing, loggers }) => {
      const where = {
        flow_run_id: { _eq: flowRunId },
        ...(containing && { _or: containing.map((text) => ({ message: likePattern(text) })) }),
        ...(loggers && { name: { _in: loggers } }),
      };
      const found: string[] = [];
      for (let offset = 0; ; offset += LINES) {
        const rows = await graphql.rows(LOG, { where, order: OLDEST_FIRST, limit: LINES, offset });
        for (const { message } of rows) found.push(textIn(message) ?? "");
        if (rows.length < LINES) return found;
      }
    },
  };
}

/** Escapes the special characters of SQL's LIKE. */
function likePattern(text: string): JsonObject {
  return { _like: `%${text.replaceAll(/[%_\\]/g, String.raw`\$&`)}%` };
}

function logInput(log: RunLog): JsonObject {
  return {
    flow_run_id: log.flowRunId,
    name: log.name,
    level: log.level,
    message: storable(log.message.slice(0, MAX_MESSAGE)),
    ...(log.timestamp === undefined ? {} : { timestamp: isoUtc(log.timestamp) }),
  };
}
