// Finds runs that were claimed for this cluster and namespace and may still lack their Job: first only the ids, then the
// details of the few that do.

import { arrayIn, dateIn, objectIn, type JsonObject } from "../base/json.ts";
import type { Place } from "../orchestrator/place.ts";
import { claimFilters } from "./claim.ts";
import { readFlowRun } from "./flow-run.ts";
import { CLAIMED_IDS } from "./queries.ts";
import type { Prefect1Client } from "./client.ts";
import { stateIn } from "./states.ts";

export type ClaimedRun = ReturnType<typeof claimedRunIn>;

const PAGE = 1_000;
/** A claim sets the heartbeat at about the same time as the state; a later one was sent by a process that waits. */
const KEPT_ALIVE_MS = 2_000;

/**
 * Runs that are Submitted, or have Submitted task runs; with `started` also Running, Queued and Cancelling ones. Throws
 * PrefectError.
 */
export async function claimedIds(
  client: Prefect1Client,
  { place, started }: { readonly place: Place; readonly started: boolean },
  signal?: AbortSignal,
): Promise<string[]> {
  const claimed = { _or: claimFilters(place) };
  const submitted = { state: { _eq: "Submitted" }, ...claimed };
  const retried = { state: { _eq: "Running" }, task_runs: submitted };
  const running = { state: { _in: ["Running", "Queued", "Cancelling"] }, states: claimed };
  const kinds = [submitted, retried, ...(started ? [running] : [])];
  const where = { tenant_id: { _eq: await client.tenantId(signal) }, _or: kinds };
  const ids = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const rows = await client.graphql.rows(
      CLAIMED_IDS,
      { where, order: [{ id: "asc" }], limit: PAGE, offset },
      signal,
    );
    for (const row of rows) ids.add(String(row["id"]));
    if (rows.length < PAGE) return [...ids];
  }
}

/** A row of a run with its latest claim, by any agent. */
export function claimedRunIn(row: JsonObject) {
  const flowRun = readFlowRun(row);
  const [latest] = arrayIn(row["states"]).map((state) => stateIn(objectIn(state)["serialized_state"]));
  const taskRunState = flowRun.state === "Running" ? flowRun.task_runs[0]?.serialized_state : undefined;
  const heartbeatAt = dateIn(row["heartbeat"]);
  const stateAt = dateIn(row["state_timestamp"]);
  return {
    flowRun,
    /** The run's latest Submitted state, or that of a task run if the run is Running; undefined: it was never claimed. */
    claimedState: taskRunState ?? latest,
    hasWaitingTask: arrayIn(row["waiting"]).length > 0,
    heartbeatAt,
    isKeptAlive: (heartbeatAt?.getTime() ?? 0) - (stateAt?.getTime() ?? 0) > KEPT_ALIVE_MS,
  };
}
