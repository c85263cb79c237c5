// Lines of flow runs' logs: written in one request, read back to know what has been said.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type { RunLog } from "../orchestrator/run-log.ts";
import * as documents from "./queries.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Graphql } from "./graphql.ts";
import { isoUtc } from "./states.ts";

type Asking = Pick<Graphql, "ask">;

interface Line {
  readonly flowRunId: string;
  readonly message: string;
}

/** A state and a log line hold a million characters at most. */
const MAX_MESSAGE = 1_000_000;
const LINES = 1_000;
const READ = "read the flow run's log";

/** Writes all lines or none. Throws PrefectError. */
export async function write(graphql: Asking, logs: readonly RunLog[], signal?: AbortSignal): Promise<void> {
  if (logs.length === 0) return;
  const action = "write to the flow run's log";
  const data = await graphql.ask({
    action,
    name: "write_run_logs",
    document: documents.WRITE_LOGS,
    variables: { input: { logs: logs.map(logInput) } },
    signal,
  });
  const answer = objectIn(data["write_run_logs"]);
  if (answer["success"] === false) {
    throw new PrefectError(action, textIn(answer["error"]) ?? "refused", { failure: "refused" });
  }
}

/** Messages in the run's log under one of these names, oldest first. */
export async function messagesBy(
  graphql: Asking,
  flowRunId: string,
  names: readonly string[],
): Promise<string[]> {
  const where = { flow_run_id: { _eq: flowRunId }, name: { _in: names } };
  return (await lines(graphql, where, LINES)).map(({ message }) => message);
}

/** Messages in the run's log that contain one of these texts, oldest first. */
export async function mentions(
  graphql: Asking,
  flowRunId: string,
  texts: readonly string[],
): Promise<string[]> {
  const where = {
    flow_run_id: { _eq: flowRunId },
    _or: texts.map((text) => ({ message: containing(text) })),
  };
  return (await lines(graphql, where, LINES)).map(({ message }) => message);
}

/** Those of the lines that are not in their run's log, which is read from the time of the earliest on. */
export async function unwritten(graphql: Asking, logs: readonly RunLog[]): Promise<RunLog[]> {
  if (logs.length === 0) return [];
  const times = logs.flatMap(({ timestamp }) => timestamp?.getTime() ?? []);
  const where = {
    flow_run_id: { _in: [...new Set(logs.map(({ flowRunId }) => flowRunId))] },
    message: { _in: [...new Set(logs.map(({ message }) => cut(message)))] },
    ...(times.length < logs.length ? {} : { timestamp: { _gte: isoUtc(new Date(Math.min(...times))) } }),
  };
  const found = await lines(graphql, where, LINES + logs.length);
  const written = new Set(found.map(({ flowRunId, message }) => `${flowRunId} ${message}`));
  return logs.filter(({ flowRunId, message }) => !written.has(`${flowRunId} ${cut(message)}`));
}

async function lines(graphql: Asking, where: JsonObject, limit: number): Promise<Line[]> {
  const document = documents.LOG_LINES;
  const data = await graphql.ask({ action: READ, name: "log", document, variables: { where, limit } });
  return arrayIn(data["log"]).map((row) => {
    const { flow_run_id: id, message } = objectIn(row);
    return { flowRunId: textIn(id) ?? "", message: textIn(message) ?? "" };
  });
}

/** SQL's LIKE takes `%`, `_` and the backslash for itself. */
function containing(text: string): JsonObject {
  return { _like: `%${text.replaceAll(/[%_\\]/g, String.raw`\$&`)}%` };
}

function logInput(log: RunLog): JsonObject {
  return {
    flow_run_id: log.flowRunId,
    name: log.name,
    level: log.level,
    message: cut(log.message),
    ...(log.timestamp === undefined ? {} : { timestamp: isoUtc(log.timestamp) }),
  };
}

function cut(message: string): string {
  return message.slice(0, MAX_MESSAGE);
}
