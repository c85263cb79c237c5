// RUN where none is given on a terminal: the person picks one of the latest flow runs.

import { listRows, type ListRow } from "../inventory/list-row.ts";
import { loadInventory } from "../inventory/load.ts";
import { SettingsError } from "../base/errors.ts";
import { ask } from "../output/prompt.ts";
import { tableLines } from "../output/table.ts";
import { terminalWidth } from "../output/terminal.ts";
import type { ListScope } from "./cluster-scope.ts";
import { listColumns } from "./commands/jobs/columns.ts";
import type { CliContext } from "./context.ts";

const ENDED_WITHIN_MS = 24 * 3_600_000;
const MAX_OFFERED = 20;
const SHOWN = new Set(["FLOW RUN", "ID", "STATE", "STATUS"]);

/** The id of the picked run, or the text that was typed in place of a number. Throws SettingsError if there is none. */
export async function pickRun(
  { stdin, stderr }: Pick<CliContext, "stdin" | "stderr">,
  { kube, namespace, directories, signal, ...scope }: ListScope,
): Promise<string> {
  const query = { namespace, endedWithinMs: ENDED_WITHIN_MS, signal };
  const inventory = await loadInventory(kube, directories, query);
  const now = scope.now();
  const rows = latestRows(listRows(inventory, now));
  const nothing = new SettingsError("RUN is missing", { hint: "name one by its id, its name or job/NAME" });
  if (rows.length === 0) throw nothing;
  const columns = [
    { header: "#", value: (row: ListRow) => rows.indexOf(row) + 1 },
    ...listColumns(() => now, false).filter(({ header }) => SHOWN.has(header)),
  ];
  stderr.write(`${tableLines(columns, rows, { width: terminalWidth(stderr) }).join("\n")}\n`);
  const typed = await ask("RUN (a number, a name or an id):", { input: stdin, output: stderr }, signal);
  const answer = typed?.trim() ?? "";
  if (answer === "") throw nothing;
  return rows.find((_, at) => String(at + 1) === answer)?.run?.flowRunId ?? answer;
}

/** Each run once; those that work or have ended last come first. */
function latestRows(rows: readonly ListRow[]): readonly ListRow[] {
  const newest = rows.toSorted(
    (left, right) => (right.createdAt?.getTime() ?? 0) - (left.createdAt?.getTime() ?? 0),
  );
  const byId = new Map(newest.flatMap((row) => (row.run ? [[row.run.flowRunId, row] as const] : [])));
  return [...byId.values()].slice(0, MAX_OFFERED);
}
