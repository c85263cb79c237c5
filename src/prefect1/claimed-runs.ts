// Finds runs that were claimed for this cluster and namespace and may still lack their Job: first only the ids, then the
// details of the few that do.

import { arrayIn, dateIn, objectIn, type JsonObject } from "../base/json.ts";
import { readFlowRun, type FlowRun } from "./flow-run.ts";
import { CLAIMED, CLAIMED_IDS } from "./queries.ts";
import type { Prefect1Client } from "./client.ts";
import { stateIn } from "./run-state.ts";
import type { State } from "./states.ts";

export interface ClaimedQuery {
  /** Also Running and Cancelling runs, not only those that are Submitted or have Submitted task runs. */
  readonly started: boolean;
  /** The parts of a state's context of which each claim for this place contains one. */
  readonly contexts: readonly JsonObject[];
}

export interface ClaimedRun {
  readonly flowRun: FlowRun;
  /** The run's latest Submitted state, or that of a task run if the run is Running. */
  readonly claimedState: State;
  readonly hasWaitingTask: boolean;
  readonly heartbeatAt: Date | undefined;
  /** When the run got its present state. */
  readonly stateAt: Date | undefined;
}

const PAGE = 1_000;

/** Throws PrefectError. */
export async function claimedIds(
  client: Prefect1Client,
  query: ClaimedQuery,
  signal?: AbortSignal,
): Promise<string[]> {
  const where = { tenant_id: { _eq: await client.tenantId(signal) }, _or: claimedFilter(query) };
  const ids = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const rows = await client.graphql.rows(CLAIMED_IDS, { where, limit: PAGE, offset }, signal);
    for (const row of rows) ids.add(String(row["id"]));
    if (rows.length < PAGE) return [...ids];
  }
}

/** Each run with its latest claim, by any agent; runs that were never claimed are omitted. Throws PrefectError. */
export async function claimedRuns(
  { graphql }: Prefect1Client,
  { ids, contexts }: { readonly ids: readonly string[]; readonly contexts: ClaimedQuery["contexts"] },
  signal?: AbortSignal,
): Promise<ClaimedRun[]> {
  if (ids.length === 0) return [];
  const rows = await graphql.rows(CLAIMED, { ids, claimed: anyOf(contexts) }, signal);
  return rows.flatMap((row) => {
    const flowRun = readFlowRun(row);
    const [latest] = arrayIn(row["states"]).map((state) => stateIn(objectIn(state)["serialized_state"]));
    const taskRunState = flowRun.state === "Running" ? flowRun.task_runs[0]?.serialized_state : undefined;
    const claimedState = taskRunState ?? latest;
    if (claimedState === undefined) return [];
    return {
      flowRun,
      claimedState,
      hasWaitingTask: arrayIn(row["waiting"]).length > 0,
      heartbeatAt: dateIn(row["heartbeat"]),
      stateAt: dateIn(row["state_timestamp"]),
    };
  });
}

/** Matches unfinished runs that were claimed here. */
function claimedFilter(query: ClaimedQuery): readonly JsonObject[] {
  const claimed = { _or: anyOf(query.contexts) };
  const submitted = { state: { _eq: "Submitted" }, ...claimed };
  const retried = { state: { _eq: "Running" }, task_runs: submitted };
  const started = { state: { _in: ["Running", "Cancelling"] }, states: claimed };
  return query.started ? [submitted, retried, started] : [submitted, retried];
}

function anyOf(contexts: ClaimedQuery["contexts"]): readonly JsonObject[] {
  return contexts.map((context) => ({ serialized_state: { _contains: { context } } }));
}
