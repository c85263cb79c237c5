// Reads a krew plugin manifest from parsed YAML of any shape; rules.ts reports its problems.

import { arrayIn, isObject, objectIn, textIn } from "../../src/base/json.ts";
import type { JsonObject } from "../../src/base/json.ts";

export interface PluginPlatform {
  readonly uri: string;
  readonly sha256: string;
  readonly bin: string;
  /** `matchLabels`; undefined without a selector. */
  readonly labels: JsonObject | undefined;
  /** Whether the selector has `matchExpressions`. */
  readonly expressions: boolean;
  /** undefined: all files. */
  readonly files: readonly JsonObject[] | undefined;
}

export interface Plugin {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly shortDescription: string;
  readonly description: string;
  readonly homepage: string;
  readonly platforms: readonly PluginPlatform[];
}

/** Missing fields, and fields of another type, become empty. */
export function readPlugin(parsed: unknown): Plugin {
  const top = objectIn(parsed);
  const spec = objectIn(top["spec"]);
  return {
    apiVersion: textOr(top["apiVersion"]),
    kind: textOr(top["kind"]),
    name: textOr(objectIn(top["metadata"])["name"]),
    version: textOr(spec["version"]),
    shortDescription: textOr(spec["shortDescription"]),
    description: textOr(spec["description"]),
    homepage: textOr(spec["homepage"]),
    platforms: arrayIn(spec["platforms"]).map(readPlatform),
  };
}

function readPlatform(parsed: unknown): PluginPlatform {
  const platform = objectIn(parsed);
  const selector = objectIn(platform["selector"]);
  const labels = selector["matchLabels"];
  return {
    uri: textOr(platform["uri"]),
    sha256: textOr(platform["sha256"]),
    bin: textOr(platform["bin"]),
    labels: isObject(labels) ? labels : undefined,
    expressions: selector["matchExpressions"] !== undefined,
    files: platform["files"] === undefined ? undefined : arrayIn(platform["files"]).map(objectIn),
  };
}

function textOr(value: unknown): string {
  return textIn(value) ?? "";
}
