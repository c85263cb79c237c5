// Objects for programs: -o json and yaml.

import { escapeUnprintable } from "./clean.ts";
import { toYaml } from "./yaml.ts";

/** The object with a line break at the end; keys stay in their order. */
export function objectText(value: unknown, format: "json" | "yaml"): string {
  return format === "yaml" ? toYaml(value) : `${escapeUnprintable(JSON.stringify(value, null, 4))}\n`;
}
