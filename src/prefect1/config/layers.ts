// The layers of Prefect's configuration: each key with its value and source.

import { SettingsError } from "../../base/errors.ts";
import { isObject, type JsonObject } from "../../base/json.ts";
import { expandVariables, type Env } from "../../base/env.ts";
import { DEFAULT_SOURCE, type Sourced } from "../../base/sourced.ts";
import { envText } from "../build/environment.ts";
import { unquote } from "./values.ts";

/** Keyed by dotted names, such as `cloud.agent.level`. */
export type Layers = ReadonlyMap<string, Sourced<unknown>>;

const PREFIX = "PREFECT__";
/** The names below are environment variables of flow runs, so they keep their case. */
const ENV_VARS = "CLOUD__AGENT__ENV_VARS__";
const MAX_ROUNDS = 10;
/** More are in no value but one that refers to itself twice, and so would have no end. */
const MAX_REFERENCES = 100;

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

/** The PREFECT__ variables. Keys become lower case, except the names of flow runs' variables. */
export function variableLayer(env: Env): Layers {
  const layer = new Map<string, Sourced<unknown>>();
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== undefined);
  // Shorter names first: CLOUD__AGENT__ENV_VARS before the keys below it.
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

/**
 * The upper layer wins; its keys also hide the lower layer's keys below them. Throws SettingsError for a value in place of a
 * section that has defaults, without which nothing works.
 */
export function mergeLayers(lower: Layers, upper: Layers): Layers {
  const merged = new Map(lower);
  for (const [key, entry] of upper) {
    for (const [hidden, { source }] of lower) {
      if (!hidden.startsWith(`${key}.`)) continue;
      if (source === DEFAULT_SOURCE)
        throw new SettingsError(`cannot use ${entry.source}: "${key}" is a section, not a value`, {
          hint: `set what is in it, such as ${hidden}`,
        });
      merged.delete(hidden);
    }
    merged.set(key, entry);
  }
  return merged;
}

/** Expands `$VAR`, `${VAR}` and a leading `~`, then `${section.key}` references, innermost first; unknown ones become "". */
export function resolveReferences(layers: Layers, env: Env): Layers {
  const expanded = ({ value, source }: Sourced<unknown>): Sourced<unknown> => ({
    value: typeof value === "string" ? expandVariables(value, env) : value,
    source,
  });
  let current: Layers = new Map([...layers].map(([key, entry]) => [key, expanded(entry)]));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = current;
    current = new Map([...before].map(([key, entry]) => [key, withReferences(entry, before)]));
  }
  return current;
}

/** Replaces the innermost references. A string that is only a reference gets the referenced value with its type. */
function withReferences(entry: Sourced<unknown>, layers: Layers): Sourced<unknown> {
  const { value } = entry;
  // As in Core, no references inside an object or list written as text: its members are meant for flow runs.
  if (typeof value !== "string" || /^\s*[[({]/.test(value)) return entry;
  const references = [...value.matchAll(/\$\{([^${}]*)\}/g)].map(([, key = ""]) => layers.get(key));
  if (references.length === 0 || references.length > MAX_REFERENCES) return entry;
  // A default that refers to a configured value has that value's source.
  const setBy = references.find((found) => found !== undefined && found.source !== DEFAULT_SOURCE);
  const source = entry.source === DEFAULT_SOURCE && setBy !== undefined ? setBy.source : entry.source;
  if (/^\$\{[^${}]*\}$/.test(value)) return { value: references[0]?.value ?? "", source };
  const filled = value.replace(/\$\{([^${}]*)\}/g, (_, key: string) =>
    unquote(envText(layers.get(key)?.value)),
  );
  return { value: filled, source };
}
