// Finds flow runs by id, id prefix or name.

import type { JsonObject } from "../base/json.ts";
import { readFlowRun } from "./decode.ts";
import { FIND } from "./queries.ts";
import type { RunQuery } from "../orchestrator/run-directory.ts";
import type { FlowRun } from "./flow-run.ts";
import type { Graphql } from "./graphql.ts";
import { isoUtc, WAITING } from "./states.ts";

export interface FindQuery extends RunQuery {
  /** Running runs include their task runs that are due by this time. */
  readonly now: Date;
}

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Ordered newest first. Throws PrefectError. */
export async function findFlowRuns(
  graphql: Graphql,
  query: FindQuery & { readonly tenantId: string },
  signal?: AbortSignal,
): Promise<FlowRun[]> {
  const { name, idPrefix, tenantId, now, limit } = query;
  const named = { name: { _eq: name } };
  const where = {
    tenant_id: { _eq: tenantId },
    _or: idPrefix === undefined ? [named] : [named, { id: idRange(idPrefix) }],
  };
  const rows = await graphql.rows(
    { ...FIND, action: `read flow run "${name}"` },
    { where, limit, overdue: isoUtc(now) },
    signal,
  );
  return rows.map(readFlowRun);
}

/** Ids have no text operators, but they are ordered by their digits. */
function idRange(prefix: string): { readonly _gte: string; readonly _lte: string } {
  return { _gte: prefix + LOWEST_ID.slice(prefix.length), _lte: prefix + HIGHEST_ID.slice(prefix.length) };
}

/** Matches runs that are due by this time for an agent with these labels, as Prefect's queue does. */
export function dueFilter(tenantId: string, before: Date, labels: readonly string[]): JsonObject {
  const due = { state: { _in: WAITING }, state_start_time: { _lte: isoUtc(before) } };
  const labelRule =
    labels.length === 0
      ? [{ labels: { _eq: [] } }]
      : [{ labels: { _contained_in: labels } }, { _not: { labels: { _eq: [] } } }];
  return {
    tenant_id: { _eq: tenantId },
    _and: [...labelRule, { _or: [due, { state: { _eq: "Running" }, task_runs: due }] }],
  };
}
