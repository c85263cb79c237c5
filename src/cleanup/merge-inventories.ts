// What was seen in several namespaces as one inventory. Pure.

import type { Inventory, InventoryRun } from "../inventory/inventory.ts";

/** How much of several namespaces could be looked at; `all`: in none may Jobs be listed. */
export type Blindness = "none" | "some" | "all";

/** One inventory of all; a resource counts as unseen when it is unseen everywhere. */
export function mergeInventories(parts: readonly Inventory[]): Inventory {
  const seeing = parts.map(withoutBlindDask);
  const [first, ...others] = parts.map(({ forbidden: unseen = [] }) => new Set(unseen));
  const nowhere = [...(first ?? [])].filter((resource) => others.every((each) => each.has(resource)));
  return {
    runs: seeing.flatMap(({ runs }) => runs),
    unownedDask: seeing.flatMap(({ unownedDask }) => unownedDask),
    warnings: [...new Set(parts.flatMap(gapsOf))],
    forbidden: nowhere,
  };
}

/** In how many of them Jobs may not be listed. */
export function blindnessOf(parts: readonly Inventory[]): Blindness {
  const blind = parts.filter(isBlind).length;
  if (blind === 0) return "none";
  return blind === parts.length ? "all" : "some";
}

function isBlind({ forbidden: unseen = [] }: Inventory): boolean {
  return unseen.includes("jobs");
}

/** Where pods cannot be listed, nothing tells whether a cluster has any: its Services would look forgotten. */
function withoutBlindDask(part: Inventory): Inventory {
  if (part.forbidden?.includes("pods") !== true) return part;
  return { ...part, runs: part.runs.map((run): InventoryRun => ({ ...run, dask: [] })), unownedDask: [] };
}

/** Of a namespace in which nothing may be seen one line says enough. */
function gapsOf(part: Inventory): readonly string[] {
  return isBlind(part) && part.forbidden?.includes("pods") === true
    ? part.warnings.slice(0, 1)
    : part.warnings;
}
