// Runs that carry a claim of ours and may still wait for their Job: first their ids, then, of the few that do, everything.

import { arrayIn, objectIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import { readFlowRun } from "./decode.ts";
import type { FlowRun } from "./flow-run.ts";
import * as documents from "./queries.ts";
import type { Graphql } from "./graphql.ts";
import { stateIn } from "./run-state.ts";
import type { State } from "./states.ts";

export interface ClaimedQuery {
  /** Also runs which are Running or Cancelling; without it those that are Submitted, or have Submitted task runs. */
  readonly started: boolean;
  /** The part of a state's context that names cluster and namespace. */
  readonly context: JsonObject;
}

export interface ClaimedRun {
  readonly flowRun: FlowRun;
  /** The run's latest Submitted state; of a Running run with Submitted task runs, one of theirs. */
  readonly claimedState: State;
}

type Asking = Pick<Graphql, "ask">;

const PAGE = 1_000;
const ACTION = "look for unfinished submissions";

/** Ids of all such runs. Throws PrefectError. */
export async function claimedIds(
  graphql: Asking,
  query: ClaimedQuery & { readonly tenantId: string },
  signal?: AbortSignal,
): Promise<string[]> {
  const where = { tenant_id: { _eq: query.tenantId }, _or: claimedRule(query) };
  const ids = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const data = await graphql.ask({
      action: ACTION,
      name: "flow_run_claimed_ids",
      document: documents.CLAIMED_IDS,
      variables: { where, limit: PAGE, offset },
      signal,
    });
    const rows = arrayIn(data["flow_run"]);
    for (const row of rows) ids.add(String(objectIn(row)["id"]));
    if (rows.length < PAGE) return [...ids];
  }
}

/** Each with its latest claim, whoever made it; a run that was never claimed is left out. Throws PrefectError. */
export async function claimedRuns(
  graphql: Asking,
  query: { readonly ids: readonly string[]; readonly context: ClaimedQuery["context"] },
  signal?: AbortSignal,
): Promise<ClaimedRun[]> {
  const { ids, context } = query;
  if (ids.length === 0) return [];
  const data = await graphql.ask({
    action: ACTION,
    name: "flow_run_claimed",
    document: documents.CLAIMED,
    variables: { ids, claimed: { context } },
    signal,
  });
  return arrayIn(data["flow_run"]).flatMap((row) => {
    const flowRun = readFlowRun(row);
    const [latest] = arrayIn(objectIn(row)["states"]).map((state) =>
      stateIn(objectIn(state)["serialized_state"]),
    );
    const ofTask = flowRun.state === "Running" ? flowRun.task_runs[0]?.serialized_state : undefined;
    const claimedState = ofTask ?? latest;
    return claimedState === undefined ? [] : [{ flowRun, claimedState }];
  });
}

/** Whoever was claimed here and is not known to be over. */
function claimedRule(query: ClaimedQuery): readonly JsonObject[] {
  const claimed = { serialized_state: { _contains: { context: query.context } } };
  const submitted = { state: { _eq: "Submitted" }, ...claimed };
  const retried = { state: { _eq: "Running" }, task_runs: submitted };
  const started = { state: { _in: ["Running", "Cancelling"] }, states: claimed };
  return query.started ? [submitted, retried, started] : [submitted, retried];
}
