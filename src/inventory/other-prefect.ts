// Inventory: a run that Prefect does not know may belong to another Prefect that its Job names; then its status is unknown,
// not deleted. Pure.

import { apiServers } from "../job/api-address.ts";
import type { PrefectVersion, InventoryRun } from "./inventory.ts";

/** The runs, and a warning about those of another Prefect. */
export interface MarkedRuns {
  readonly runs: readonly InventoryRun[];
  readonly warnings: readonly string[];
}

/**
 * `asked`: the addresses of the APIs. One API may have another address inside the cluster: addresses that Jobs of known runs
 * name belong to it, too.
 */
export function markOtherPrefects(
  runs: readonly InventoryRun[],
  asked: Readonly<Record<PrefectVersion, string | undefined>>,
): MarkedRuns {
  const own = { 1: ownServers(runs, 1, asked[1]), 2: ownServers(runs, 2, asked[2]) };
  const others = { 1: new Map<string, number>(), 2: new Map<string, number>() };
  const marked = runs.map((run) => {
    if (run.status.kind !== "missing") return run;
    const [first, ...more] = serversOf(run);
    if (first === undefined || [first, ...more].some((server) => own[run.prefectVersion].has(server)))
      return run;
    const counts = others[run.prefectVersion];
    counts.set(first, (counts.get(first) ?? 0) + 1);
    return { ...run, status: { kind: "unknown" as const } };
  });
  return { runs: marked, warnings: [...warningsOf("1", others[1]), ...warningsOf("2 and 3", others[2])] };
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

function warningsOf(version: string, others: ReadonlyMap<string, number>): readonly string[] {
  const [first, ...more] = others.keys();
  if (first === undefined) return [];
  const runs = [...others.values()].reduce((sum, count) => sum + count, 0);
  const where = more.length === 0 ? first : `${first} and ${more.length} more`;
  const belong = runs === 1 ? "1 flow run belongs" : `${runs} flow runs belong`;
  return [
    `${belong} to another Prefect ${version} (${where}): ${runs === 1 ? "its state is" : "their states are"} unknown`,
  ];
}
