// Prefect's configuration as it stands in its sources: each key with its value and where that was found.
// Files first, variables last; a later value replaces an earlier one and everything below it.

import { isObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { expandVariables } from "../../base/env.ts";
import type { Env } from "../../base/env.ts";
import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";

/** Dotted keys, such as `cloud.agent.level`. Text has its variables and references filled in. */
export type Layers = ReadonlyMap<string, Sourced<unknown>>;

const PREFIX = "PREFECT__";
/** Names below this are variables of flow runs, whose case matters. */
const ENV_VARS = "CLOUD__AGENT__ENV_VARS__";
const MAX_ROUNDS = 10;

/** A TOML file's values. */
export function fileLayer(table: JsonObject, file: string): Layers {
  const layer = new Map<string, Sourced<unknown>>();
  const visit = (node: JsonObject, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(node)) {
      const inner = [...path, key];
      if (isObject(value) && !(value instanceof Date)) {
        visit(value, inner);
        continue;
      }
      const section = path.length === 0 ? "" : `[${path.join(".")}] `;
      const plain = value instanceof Date ? value.toISOString() : value;
      layer.set(inner.join("."), { value: plain, source: `${file} ${section}${key}` });
    }
  };
  visit(table, []);
  return layer;
}

/** The PREFECT__ variables. Keys become lower case, but for names of flow runs' variables. */
export function variableLayer(env: Env): Layers {
  const layer = new Map<string, Sourced<unknown>>();
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== undefined);
  // Shorter names first: CLOUD__AGENT__ENV_VARS before what stands below it.
  for (const name of names.sort((left, right) => left.length - right.length || (left < right ? -1 : 1))) {
    const rest = name.slice(PREFIX.length);
    const isEnvVar = rest.startsWith(ENV_VARS) && rest.length > ENV_VARS.length;
    const key = isEnvVar
      ? `cloud.agent.env_vars.${rest.slice(ENV_VARS.length)}`
      : rest.toLowerCase().split("__").join(".");
    layer.set(key, { value: env[name], source: `${name} variable` });
  }
  return layer;
}

/** One over the other: a key of the upper layer also hides what the lower one has below that key. */
export function over(lower: Layers, upper: Layers): Layers {
  const merged = new Map(lower);
  for (const [key, entry] of upper) {
    for (const hidden of lower.keys()) if (hidden.startsWith(`${key}.`)) merged.delete(hidden);
    merged.set(key, entry);
  }
  return merged;
}

/** Fills in `$VAR`, `${VAR}` and a leading `~`, then `${section.key}` references, innermost first; unknown ones are "". */
export function resolved(layers: Layers, env: Env): Layers {
  let current = new Map<string, Sourced<unknown>>();
  for (const [key, entry] of layers) {
    const { value } = entry;
    current.set(key, typeof value === "string" ? { ...entry, value: expandVariables(value, env) } : entry);
  }
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = new Map<string, Sourced<unknown>>();
    for (const [key, entry] of current) next.set(key, withReferences(entry, current));
    if ([...next].every(([key, entry]) => entry === current.get(key))) break;
    current = next;
  }
  return current;
}

/** The entry with its innermost references replaced. A text that is nothing but a reference takes the value itself. */
function withReferences(entry: Sourced<unknown>, layers: Layers): Sourced<unknown> {
  const { value } = entry;
  // An object or list written as text is not looked into, as in Core: its members are flow runs' business.
  if (typeof value !== "string" || /^\s*[[({]/.test(value)) return entry;
  const references = [...value.matchAll(/\$\{([^${}]*)\}/g)].map(([, key = ""]) => layers.get(key));
  if (references.length === 0) return entry;
  // A default that leads to something which a person has set is no longer the default.
  const setBy = references.find((found) => found !== undefined && found.source !== DEFAULT_SOURCE);
  const source = entry.source === DEFAULT_SOURCE && setBy !== undefined ? setBy.source : entry.source;
  if (/^\$\{[^${}]*\}$/.test(value)) return { value: references[0]?.value ?? "", source };
  const filled = value.replace(/\$\{([^${}]*)\}/g, (_, key: string) => plainText(layers.get(key)?.value));
  return { value: filled, source };
}

function plainText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
