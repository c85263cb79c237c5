// Flow runs of Prefect 2 and 3 that are late, by what they wait for: a paused work pool, a worker, a free slot.

import { timeBetween } from "../../base/duration.ts";
import { dateIn, textIn, type JsonObject } from "../../base/json.ts";
import { lateRuns as readLateRuns, waitReason } from "../../prefect3/waiting.ts";
import { reported } from "../answer.ts";
import { checkOf, counted, firstOf, kubectl } from "../finding.ts";

const { check, ok, warning } = checkOf({ section: "flow runs", check: "late flow runs" });
/** A worker polls every ten seconds or so. */
const LATE_AFTER_MS = 60_000;
/** Reasons that are looked for; each needs some requests. */
const MAX_REASONS = 20;

export const lateRuns = check(async ({ prefect3, signal }) => {
  if (prefect3.settings === undefined) return [];
  const api = await reported(prefect3.hello());
  const now = prefect3.clock.now();
  const late = await readLateRuns(api, new Date(now.getTime() - LATE_AFTER_MS), signal);
  if (late.length === 0) return [ok("none")];
  const groups = [...Map.groupBy(late, waitsFor).values()].slice(0, MAX_REASONS);
  const explained = await Promise.all(
    groups.map(async (runs) => ({ runs, ...(await waitReason(api, runs[0] ?? {}, { now, signal })) })),
  );
  const byReason = Map.groupBy(explained, ({ reason }) => reason);
  return [...byReason].map(([reason, same]) => {
    const runs = same.flatMap((each) => each.runs);
    const id = textIn(runs[0]?.["id"]);
    const oldest = Math.min(...runs.map((run) => dueAt(run)?.getTime() ?? now.getTime()));
    const message = `${counted(runs.length, "flow run")} late by up to ${timeBetween(new Date(oldest), now)}: ${reason}`;
    const details = [firstOf(runs.map(({ name }) => textIn(name) ?? ""))];
    const hint = same[0]?.hint;
    return warning(message, { details, hint, look: hint ? undefined : kubectl(`prefect inspect ${id}`) });
  });
});

function dueAt(run: JsonObject): Date | undefined {
  return dateIn(run["next_scheduled_start_time"]);
}

/** The same for runs that wait for the same. */
function waitsFor({ work_pool_name: pool, work_queue_name: queue, state_name: state }: JsonObject): string {
  return JSON.stringify([pool, queue, state === "AwaitingConcurrencySlot"]);
}
