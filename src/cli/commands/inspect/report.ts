// `inspect` for people: the result first, then the flow run as a tree, then what happens next. Pure.

import { formatDuration } from "../../../base/duration.ts";
import { OLDER_THAN_MS } from "../../../cleanup/item.ts";
import type { Diagnosis, PlannedAction } from "../../../inventory/diagnosis.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { oneLine } from "../../../output/clean.ts";
import { toneOf, type Style } from "../../../output/palette.ts";
import { treeLines } from "../../../output/tree.ts";
import { hanging } from "../../../output/wrap.ts";
import { actionLines } from "./cleanup-actions.ts";
import { newIn } from "./new-text.ts";
import { runTree } from "./tree.ts";

/** The report's lines; text that is longer than the terminal is wrapped, and an error is shown once. */
export function reportLines(
  run: InventoryRun,
  found: { readonly diagnosis: Diagnosis; readonly cleanup: readonly PlannedAction[]; readonly now: Date },
  style: Style,
): readonly string[] {
  const { diagnosis, cleanup, now } = found;
  const { status, reason, hint, postMortems, agent } = diagnosis;
  const { paint, width } = style;
  const section = (title: string, lines: readonly string[]): readonly string[] => [
    "",
    paint("heading", title),
    ...lines.flatMap((line) => hanging(line, 2, width)),
  ];
  const [first = "", ...rest] = hanging(oneLine(`STATUS ${status}: ${reason}`), 0, width);
  return [
    first.replace(`STATUS ${status}`, () => `${paint("heading", "STATUS")} ${paint(toneOf(status), status)}`),
    ...rest,
    ...(hint === undefined ? [] : hanging(oneLine(`hint: ${hint}`), 0, width)),
    ...postMortems.flatMap((text) => postMortemLines(text, reason, width)),
    "",
    ...treeLines(runTree(run, now, [reason, ...postMortems].join("\n")), style),
    ...section(
      "AN AGENT WOULD",
      agent.map((action) => newIn(oneLine(action), reason).replace(/: Kubernetes Error$/, "")),
    ),
    ...section(
      `CLEANUP WOULD (--older-than ${formatDuration(OLDER_THAN_MS)})`,
      cleanup.length === 0 ? ["nothing"] : actionLines(cleanup).map(oneLine),
    ),
  ];
}

/** What a Job's post-mortem adds to the reason; the name of the Job always. */
function postMortemLines(text: string, reason: string, width: number | undefined): readonly string[] {
  return text.split("\n").flatMap((line, at) => {
    const whole = oneLine(line.trim());
    const added = newIn(whole, reason);
    if (at > 0 && added !== whole) return [];
    const depth = /^\t*/.exec(line)?.[0].length ?? 0;
    return hanging(added, 2 + 2 * depth, width);
  });
}
