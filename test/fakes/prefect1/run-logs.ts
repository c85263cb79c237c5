// write_run_logs, and the log lines that the server's own services write.

import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { foreignKeyError } from "./api-error.ts";
import { optionalTime, optionalUuid, uuidIn } from "./input.ts";
import type { LogRow } from "./rows.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";

type Line = Pick<LogRow, "flow_run_id" | "task_run_id" | "timestamp" | "name" | "level" | "message" | "info">;

/** The mutation. All lines are checked before the first is written: it is one INSERT. */
export function writeRunLogs(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { flow_run, task_run } = service.db.store.tables;
  const lines = arrayIn(input["logs"]).map((entry) => lineOf(service, objectIn(entry)));
  for (const line of lines) {
    if (flow_run.get(line.flow_run_id) === undefined) throw foreignKeyError("log", "flow_run_id");
    if (line.task_run_id !== null && task_run.get(line.task_run_id) === undefined) {
      throw foreignKeyError("log", "task_run_id");
    }
  }
  for (const line of lines) insertLine(service, line);
  return { success: true };
}

/** A line by one of the server's services. */
export function writeServerLog(
  service: Service,
  run: { readonly flow_run_id: string; readonly task_run_id?: string },
  line: Pick<LogRow, "name" | "level" | "message">,
): void {
  const task_run_id = run.task_run_id ?? null;
  insertLine(service, { ...run, task_run_id, timestamp: timeNow(service), info: null, ...line });
}

function lineOf(service: Service, entry: JsonObject): Line {
  return {
    flow_run_id: uuidIn(entry, "flow_run_id"),
    task_run_id: optionalUuid(entry, "task_run_id") ?? null,
    timestamp: optionalTime(entry, "timestamp") ?? timeNow(service),
    name: textIn(entry["name"]) ?? null,
    level: textIn(entry["level"]) ?? "INFO",
    message: textIn(entry["message"]) ?? null,
    info: entry["info"] ?? null,
  };
}

function insertLine(service: Service, line: Line): void {
  service.db.store.tables.log.insert({
    ...newRow(service),
    // The real server leaves it empty, too.
    tenant_id: null,
    is_loaded_from_archive: false,
    ...line,
  });
}
