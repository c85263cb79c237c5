// Writes entries to flow runs' logs, and reads them to find out what is already written.

import { textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { storable } from "../orchestrator/storable.ts";
import type { RunLog } from "../orchestrator/run-log.ts";
import { LOG_LINES, WRITE_LOGS } from "./queries.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Graphql } from "./graphql.ts";
import { isoUtc } from "./states.ts";

interface Line {
  readonly flowRunId: string;
  readonly message: string;
}

/** Prefect's limit for a log message. */
const MAX_MESSAGE = 1_000_000;
const LINES = 1_000;

/** The logs of flow runs. All calls throw PrefectError. */
export class RunLogs {
  readonly #graphql: Pick<Graphql, "rows" | "object">;

  constructor(graphql: Pick<Graphql, "rows" | "object">) {
    this.#graphql = graphql;
  }

  /** Writes all entries or none. */
  async write(logs: readonly RunLog[]): Promise<void> {
    if (logs.length === 0) return;
    const { success, error } = await this.#graphql.object(WRITE_LOGS, {
      input: { logs: logs.map(logInput) },
    });
    if (success === false)
      throw new PrefectError(WRITE_LOGS.action, textIn(error) ?? "refused", { failure: "refused" });
  }

  /** Messages in the run's log by one of these loggers, oldest first. */
  async messagesBy(flowRunId: string, names: readonly string[]): Promise<string[]> {
    const where = { flow_run_id: { _eq: flowRunId }, name: { _in: names } };
    return (await this.#lines(where, LINES)).map(({ message }) => message);
  }

  /** Messages in the run's log that contain one of these texts, by any logger, oldest first. */
  async messagesContaining(flowRunId: string, texts: readonly string[]): Promise<string[]> {
    const where = {
      flow_run_id: { _eq: flowRunId },
      _or: texts.map((text) => ({ message: likePattern(text) })),
    };
    return (await this.#lines(where, LINES)).map(({ message }) => message);
  }

  /** The entries that are not in their runs' logs yet. Reads the logs from the time of the earliest entry. */
  async unwritten(logs: readonly RunLog[]): Promise<RunLog[]> {
    if (logs.length === 0) return [];
    const times = logs.flatMap(({ timestamp }) => timestamp?.getTime() ?? []);
    const where = {
      flow_run_id: { _in: [...new Set(logs.map(({ flowRunId }) => flowRunId))] },
      message: { _in: [...new Set(logs.map(({ message }) => stored(message)))] },
      ...(times.length < logs.length ? {} : { timestamp: { _gte: isoUtc(new Date(Math.min(...times))) } }),
    };
    const found = await this.#lines(where, LINES + logs.length);
    const written = new Set(found.map(({ flowRunId, message }) => `${flowRunId} ${message}`));
    return logs.filter(({ flowRunId, message }) => !written.has(`${flowRunId} ${stored(message)}`));
  }

  async #lines(where: JsonObject, limit: number): Promise<Line[]> {
    const rows = await this.#graphql.rows(LOG_LINES, { where, limit });
    return rows.map(({ flow_run_id: id, message }) => ({
      flowRunId: textIn(id) ?? "",
      message: textIn(message) ?? "",
    }));
  }
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
    message: stored(log.message),
    ...(log.timestamp === undefined ? {} : { timestamp: isoUtc(log.timestamp) }),
  };
}

/** The message as Prefect has it. */
function stored(message: string): string {
  return storable(message.slice(0, MAX_MESSAGE));
}
