// What people look at in Prefect 2 and 3: the latest flow runs, a run's log, its page in the UI.

import { dateIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";
import { RECENT_LIMIT } from "../orchestrator/run-directory.ts";
import type { KnownRun, LoggedLine, LogPage, LogQuery } from "../orchestrator/run-directory.ts";
import type { Prefect3Client } from "./client.ts";
import type { Prefect3StateType } from "./states.ts";

const STARTED: readonly Prefect3StateType[] = ["PENDING", "RUNNING", "PAUSED", "CANCELLING"];
const ENDED: readonly Prefect3StateType[] = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];
/** Python's numbers. */
const LEVELS: readonly (readonly [from: number, name: string])[] = [
  [50, "CRITICAL"],
  [40, "ERROR"],
  [30, "WARNING"],
  [20, "INFO"],
  [0, "DEBUG"],
];

/** Runs of work pools that are due, claimed or running, and those that have ended since. Throws PrefectError. */
export async function recentRuns(
  client: Pick<Prefect3Client, "flowRunsWhere">,
  { since, now }: { readonly since: Date; readonly now: Date },
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  const inState = (types: readonly Prefect3StateType[]): JsonObject => ({ state: { type: { any_: types } } });
  const dueBy = { expected_start_time: { before_: now.toISOString() } };
  const filters = [
    inState(STARTED),
    { ...inState(["SCHEDULED"]), ...dueBy },
    { ...inState(ENDED), end_time: { after_: since.toISOString() } },
  ];
  const sort = "EXPECTED_START_TIME_DESC";
  const found = await Promise.all(
    filters.map((filter) => client.flowRunsWhere({ flow_runs: filter, sort, limit: RECENT_LIMIT }, signal)),
  );
  // A run without a work pool was started by hand, in a process of its own.
  return found.flat().filter(({ pool }) => pool !== undefined);
}

/** A page of a run's log. Throws PrefectError. */
export async function readLog(
  client: Pick<Prefect3Client, "logs">,
  { id, since, errorsOnly, offset, limit, newestFirst }: LogQuery & LogPage & { readonly id: string },
  signal?: AbortSignal,
): Promise<readonly LoggedLine[]> {
  const logs = {
    flow_run_id: { any_: [id] },
    ...(since === undefined ? {} : { timestamp: { after_: since.toISOString() } }),
    ...(errorsOnly === true ? { level: { ge_: 40 } } : {}),
  };
  const sort = newestFirst ? "TIMESTAMP_DESC" : "TIMESTAMP_ASC";
  const rows = await client.logs({ logs, sort, offset, limit }, signal);
  return rows.map(({ timestamp, level, name, message }) => ({
    at: dateIn(timestamp),
    level: LEVELS.find(([from]) => typeof level === "number" && level >= from)?.[1] ?? "",
    logger: textIn(name) ?? "",
    message: textIn(message) ?? "",
  }));
}

/** The run's page: below PREFECT_UI_URL, in Prefect Cloud's UI, or where a server has its own. */
export function runPage(
  { url, uiUrl }: { readonly url: string; readonly uiUrl?: string | undefined },
  id: string,
): string {
  const cloud = /^https:\/\/api\.prefect\.cloud\/api\/accounts\/([^/]+)\/workspaces\/([^/]+)/.exec(url);
  const ui =
    uiUrl ??
    (cloud === null
      ? url.replace(/\/api\/*$/, "")
      : `https://app.prefect.cloud/account/${cloud[1]}/workspace/${cloud[2]}`);
  return `${redactUrl(ui).replace(/\/+$/, "")}/runs/flow-run/${id}`;
}
