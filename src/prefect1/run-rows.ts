// Decodes rows of flow runs. One that cannot be decoded is skipped, so that it holds up no other.

import { textOf } from "../base/errors.ts";
import { textIn, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";

/** How many reasons to remember. */
const REMEMBERED = 1_000;

export type DecodeRows = <Run>(rows: readonly JsonObject[], decode: (row: JsonObject) => Run) => Run[];

/** Logs why a run is skipped, once for each reason: its row is read again until somebody corrects it. */
export function rowDecoder(log: Pick<Log, "warn">): DecodeRows {
  const logged = new Set<string>();
  const skip = (reason: string): void => {
    if (logged.has(reason)) return;
    if (logged.size >= REMEMBERED) logged.clear();
    logged.add(reason);
    log.warn("Skipped a flow run that cannot be decoded", { reason });
  };
  return (rows, decode) =>
    rows.flatMap((row) => {
      try {
        return [decode(row)];
      } catch (error) {
        skip(`flow run ${textIn(row["id"]) ?? "?"}: ${textOf(error)}`);
        return [];
      }
    });
}
