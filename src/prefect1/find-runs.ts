// Flow runs by what people call them: an id, the beginning of one, or a name.

import { arrayIn } from "../base/json.ts";
import { readFlowRun } from "./decode.ts";
import { FIND } from "./queries.ts";
import type { RunQuery } from "../orchestrator/run-directory.ts";
import type { FlowRun } from "./flow-run.ts";
import type { Graphql } from "./graphql.ts";
import { isoUtc } from "./states.ts";

/** Task runs of a Running run that are due by `now` come with it, as for a launch. */
export interface FindQuery extends RunQuery {
  readonly now: Date;
}

const LEAST = "00000000-0000-0000-0000-000000000000";
const MOST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** The newest ones first. Throws PrefectError. */
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
  const data = await graphql.ask({
    action: `read flow run "${name}"`,
    name: "flow_run_find",
    document: FIND,
    variables: { where, limit, overdue: isoUtc(now) },
    signal,
  });
  return arrayIn(data["flow_run"]).map((row) => readFlowRun(row));
}

/** Text operators do not work on ids, but their order is that of their digits. */
function idRange(prefix: string): { readonly _gte: string; readonly _lte: string } {
  return { _gte: prefix + LEAST.slice(prefix.length), _lte: prefix + MOST.slice(prefix.length) };
}
