// Inventory: a run that the asked Prefect does not know may be another's, as its Job says; then nothing is known of it, least
// of all that it was deleted. Pure.

import { apiServers } from "../job/api-address.ts";
import type { PrefectVersion, InventoryRun } from "./inventory.ts";

/** The runs, and how many of them are another Prefect's, in words. */
export interface Sorted {
  readonly runs: readonly InventoryRun[];
  readonly warnings: readonly string[];
}

/**
 * `asked`: the addresses of the APIs. One API may have several addresses, as seen from a pod and from here: those that a Job
 * of a known run names are its own, too.
 */
export function withoutOthers(
  runs: readonly InventoryRun[],
  asked: Readonly<Record<PrefectVersion, string | undefined>>,
): Sorted {
  const own = { 1: ownServers(runs, 1, asked[1]), 2: ownServers(runs, 2, asked[2]) };
  const others = { 1: new Map<string, number>(), 2: new Map<string, number>() };
  const sorted = runs.map((run) => {
    if (run.status.kind !== "missing") return run;
    const [first, ...more] = serversOf(run);
    if (first === undefined || [first, ...more].some((server) => own[run.prefectVersion].has(server)))
      return run;
    const counts = others[run.prefectVersion];
    counts.set(first, (counts.get(first) ?? 0) + 1);
    return { ...run, status: { kind: "unknown" as const } };
  });
  return { runs: sorted, warnings: [...gapOf("1", others[1]), ...gapOf("2 and 3", others[2])] };
}

function ownServers(
  runs: readonly InventoryRun[],
  prefectVersion: PrefectVersion,
  asked: string | undefined,
): ReadonlySet<string> {
  const known = runs.filter((run) => run.prefectVersion === prefectVersion && run.status.kind === "known");
  const named = asked !== undefined && URL.canParse(asked) ? [new URL(asked).origin] : [];
  return new Set([...named, ...known.flatMap(serversOf)]);
}

function serversOf({ observed }: InventoryRun): readonly string[] {
  return observed.jobs.flatMap(({ job }) => apiServers(job));
}

function gapOf(whose: string, others: ReadonlyMap<string, number>): readonly string[] {
  const [first, ...more] = others.keys();
  if (first === undefined) return [];
  const runs = [...others.values()].reduce((sum, count) => sum + count, 0);
  const where = more.length === 0 ? first : `${first} and ${more.length} more`;
  const are = runs === 1 ? "1 flow run is" : `${runs} flow runs are`;
  return [`${are} of another Prefect ${whose} (${where}): the state is unknown`];
}
