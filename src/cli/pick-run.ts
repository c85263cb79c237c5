// RUN where none is given on a terminal: the person picks one of the latest flow runs.

import type { InventoryRun } from "../inventory/inventory.ts";
import { listRows } from "../inventory/list-row.ts";
import { loadInventory } from "../inventory/load.ts";
import { runStateText } from "../inventory/job-row.ts";
import { SettingsError } from "../base/errors.ts";
import { ask } from "../output/prompt.ts";
import { tableLines } from "../output/table.ts";
import { terminalWidth } from "../output/terminal.ts";
import type { CliContext } from "./context.ts";
import { shortId } from "./flow-run-ref.ts";
import type { ClusterScope } from "./cluster-scope.ts";

const ENDED_WITHIN_MS = 24 * 3_600_000;
const MAX_OFFERED = 20;

interface Choice {
  readonly number: number;
  readonly run: InventoryRun;
  readonly status: string;
}

/** The id of the picked run, or the text that was typed in place of a number. Throws SettingsError if there is none. */
export async function pickRun(
  { stdin, stderr }: Pick<CliContext, "stdin" | "stderr">,
  { kube, namespace, directories, clock, signal }: ClusterScope,
): Promise<string> {
  const endedSince = new Date(clock.now().getTime() - ENDED_WITHIN_MS);
  const inventory = await loadInventory(kube, directories, { namespace, endedSince, signal });
  const choices = choicesOf(listRows(inventory, clock.now()));
  const nothing = new SettingsError("RUN is missing", { hint: "name one by its id, its name or job/NAME" });
  if (choices.length === 0) throw nothing;
  const lines = tableLines(COLUMNS, choices, { width: terminalWidth(stderr) });
  stderr.write(`${lines.join("\n")}\n`);
  const answer =
    (await ask("RUN (a number, a name or an id):", { input: stdin, output: stderr }, signal))?.trim() ?? "";
  if (answer === "") throw nothing;
  return choices.find(({ number }) => String(number) === answer)?.run.flowRunId ?? answer;
}

const COLUMNS = [
  { header: "#", value: ({ number }: Choice) => number },
  { header: "FLOW RUN", value: ({ run }: Choice) => run.name, shorten: { at: "middle" as const, to: 12 } },
  { header: "ID", value: ({ run }: Choice) => shortId(run.flowRunId), dropFirst: 1 },
  { header: "STATE", value: ({ run }: Choice) => runStateText(run), dropFirst: 2 },
  { header: "STATUS", value: ({ status }: Choice) => status },
];

/** Each run once; those that work or have ended last come first. */
function choicesOf(rows: ReturnType<typeof listRows>): readonly Choice[] {
  const newest = rows.toSorted(
    (left, right) => (right.createdAt?.getTime() ?? 0) - (left.createdAt?.getTime() ?? 0),
  );
  const byId = new Map(
    newest.flatMap(({ run, decision }) =>
      run === undefined ? [] : [[run.flowRunId, { run, ...decision }] as const],
    ),
  );
  return [...byId.values()]
    .slice(0, MAX_OFFERED)
    .map(({ run, status }, at) => ({ number: at + 1, run, status }));
}
