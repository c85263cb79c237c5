// Merges the inventories of several namespaces into one. Pure.

import type { Inventory, InventoryRun } from "../inventory/inventory.ts";

/** In how many of several namespaces the user may not list Jobs. */
export type ForbiddenJobs = "none" | "some" | "all";

/** One inventory of all; a resource counts as forbidden if it is forbidden in every namespace. */
export function mergeInventories(parts: readonly Inventory[]): Inventory {
  const reliable = parts.map(withoutUnreliableDask);
  const [first, ...others] = parts.map(({ forbidden }) => forbidden);
  const everywhere = [...(first ?? [])].filter(([resource]) => others.every((each) => each?.has(resource)));
  return {
    runs: reliable.flatMap(({ runs }) => runs),
    unownedDask: reliable.flatMap(({ unownedDask }) => unownedDask),
    warnings: [...new Set(parts.flatMap(warningsOf))],
    forbidden: new Map(everywhere),
  };
}

export function forbiddenJobsIn(parts: readonly Inventory[]): ForbiddenJobs {
  const count = parts.filter(areJobsForbidden).length;
  if (count === 0) return "none";
  return count === parts.length ? "all" : "some";
}

function areJobsForbidden({ forbidden }: Inventory): boolean {
  return forbidden?.has("jobs") === true;
}

/** Without permission to list pods, every Dask cluster would seem to have none, and its Services to be leftovers. */
function withoutUnreliableDask(part: Inventory): Inventory {
  if (part.forbidden?.has("pods") !== true) return part;
  return { ...part, runs: part.runs.map((run): InventoryRun => ({ ...run, dask: [] })), unownedDask: [] };
}

/** If neither Jobs nor pods of a namespace may be listed, one warning is enough. */
function warningsOf(part: Inventory): readonly string[] {
  return areJobsForbidden(part) && part.forbidden?.has("pods") === true
    ? part.warnings.slice(0, 1)
    : part.warnings;
}
