// Flow runs of Prefect 2 and 3 by what people call them. Their API filters by whole ids and by names only, but it can put
// all runs in the order of their ids and begin anywhere in it: the beginning of an id is found by halving.

import type { KnownRun, RunQuery } from "../orchestrator/run-directory.ts";
import type { Prefect3Client } from "./client.ts";

type Finder = Pick<Prefect3Client, "flowRuns" | "flowRunsNamed" | "flowRunsById" | "countFlowRuns">;

/** What is above every id that begins with a prefix. */
const ABOVE = "g";
/** Runs that are made or deleted while we look move the others by so many places, at most. */
const SLACK = 25;
const WHOLE_ID = 36;

/** Throws PrefectError. */
export async function findFlowRuns(
  api: Finder,
  { name, idPrefix, limit }: RunQuery,
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  const [named, begun] = await Promise.all([
    api.flowRunsNamed(name, signal),
    idPrefix === undefined ? [] : beginningWith(api, { idPrefix, limit }, signal),
  ]);
  return [...new Map([...named, ...begun].map((run) => [run.id, run])).values()];
}

async function beginningWith(
  api: Finder,
  { idPrefix, limit }: { readonly idPrefix: string; readonly limit: number },
  signal?: AbortSignal,
): Promise<readonly KnownRun[]> {
  if (idPrefix.length === WHOLE_ID) return [...(await api.flowRuns([idPrefix], signal)).values()];
  let low = 0;
  let high = await api.countFlowRuns(signal);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [run] = await api.flowRunsById({ offset: middle, limit: 1 }, signal);
    // The order is downwards: what comes before our runs has greater ids.
    if (run !== undefined && run.id > idPrefix + ABOVE) low = middle + 1;
    else high = middle;
  }
  const page = { offset: Math.max(0, low - SLACK), limit: limit + 2 * SLACK };
  const around = await api.flowRunsById(page, signal);
  return around.filter(({ id }) => id.startsWith(idPrefix)).slice(0, limit);
}
