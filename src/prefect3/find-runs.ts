// Finds flow runs of Prefect 2 and 3 by id, id prefix or name. The API filters only by full id or name, but it can sort by
// id and skip to an offset, so id prefixes are found by binary search.

import type { KnownRun, RunQuery } from "../orchestrator/run-directory.ts";
import type { Prefect3Client } from "./client.ts";

type RunLookup = Pick<Prefect3Client, "flowRuns" | "flowRunsNamed" | "flowRunsWhere" | "countFlowRuns">;

/** `prefix + "g"` sorts after every id with this prefix. */
const AFTER_HEX_DIGITS = "g";
/** Runs that are created or deleted during the search shift the others; read so many extra runs on both sides. */
const MARGIN = 25;
const BY_ID = { sort: "ID_DESC" };
const ID_LENGTH = 36;

/** Throws PrefectError. */
export async function findFlowRuns(
  api: RunLookup,
  { name, idPrefix, limit }: RunQuery,
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  const [named, withPrefix] = await Promise.all([
    api.flowRunsNamed(name, signal),
    idPrefix === undefined ? [] : runsByIdPrefix(api, { idPrefix, limit }, signal),
  ]);
  return [...new Map([...named, ...withPrefix].map((run) => [run.id, run])).values()];
}

async function runsByIdPrefix(
  api: RunLookup,
  { idPrefix, limit }: { readonly idPrefix: string; readonly limit: number },
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  if (idPrefix.length === ID_LENGTH) return [...(await api.flowRuns([idPrefix], signal)).values()];
  let low = 0;
  let high = await api.countFlowRuns(signal);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [run] = await api.flowRunsWhere({ ...BY_ID, offset: middle, limit: 1 }, signal);
    // Descending order: runs with greater ids come first.
    if (run !== undefined && run.id > idPrefix + AFTER_HEX_DIGITS) low = middle + 1;
    else high = middle;
  }
  const page = { ...BY_ID, offset: Math.max(0, low - MARGIN), limit: limit + 2 * MARGIN };
  const runs = await api.flowRunsWhere(page, signal);
  return runs.filter(({ id }) => id.startsWith(idPrefix)).slice(0, limit);
}
