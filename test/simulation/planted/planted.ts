// A source text with a fault in it.

import type { PlantedFault } from "./faults.ts";

/** Throws unless each text to replace is there exactly once. */
export function planted({ name, changes }: PlantedFault, source: string): string {
  let text = source;
  for (const [from, to] of changes) {
    const parts = text.split(from);
    if (parts.length !== 2)
      throw new Error(`planted fault "${name}": ${parts.length - 1} times in the source: ${from}`);
    text = parts.join(to);
  }
  return text;
}
