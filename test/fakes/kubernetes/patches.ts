// JSON merge patch (RFC 7386) and JSON patch (RFC 6902), without changing what they are applied to.

import { isObject } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";

/** The target with a merge patch applied: null takes a field away, lists are replaced whole. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** What JSON patch answers: the patched document, or why it does not apply. */
export type JsonPatched = { readonly document: unknown } | { readonly refusal: string };

/** The target with the operations of a JSON patch applied in turn. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): JsonPatched {
  let document = target;
  for (const operation of operations) {
    if (!isObject(operation)) return { refusal: "an operation is not an object" };
    const done = applyOperation(document, operation);
    if ("refusal" in done) return done;
    document = done.document;
  }
  return { document };
}

function applyOperation(document: unknown, operation: JsonObject): JsonPatched {
  const path = pointer(operation["path"]);
  const from = pointer(operation["from"] ?? "");
  switch (operation["op"]) {
    case "add":
      return edit(document, path, { at: "insert", value: operation["value"] });
    case "replace":
      return edit(document, path, { at: "replace", value: operation["value"] });
    case "remove":
      return edit(document, path, { at: "remove" });
    case "test": {
      const same = JSON.stringify(valueAt(document, path)) === JSON.stringify(operation["value"]);
      return same ? { document } : { refusal: `testing ${String(operation["path"])} failed` };
    }
    case "copy":
      return edit(document, path, { at: "insert", value: valueAt(document, from) });
    case "move": {
      const moved = valueAt(document, from);
      const without = edit(document, from, { at: "remove" });
      return "refusal" in without ? without : edit(without.document, path, { at: "insert", value: moved });
    }
    default:
      return { refusal: `unexpected operation ${String(operation["op"])}` };
  }
}

function pointer(path: unknown): readonly string[] {
  if (typeof path !== "string" || path === "") return [];
  return path
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) ? value[key] : undefined;
  }
  return value;
}

type Edit = { readonly at: "insert" | "replace"; readonly value: unknown } | { readonly at: "remove" };

function edit(document: unknown, path: readonly string[], change: Edit): JsonPatched {
  const [key, ...rest] = path;
  if (key === undefined) return change.at === "remove" ? { document: null } : { document: change.value };
  if (!isObject(document) && !Array.isArray(document)) return { refusal: `missing path: ${path.join("/")}` };
  if (rest.length > 0) {
    const inner = edit(valueAt(document, [key]), rest, change);
    return "refusal" in inner ? inner : { document: put(document, key, inner.document) };
  }
  if (change.at !== "insert" && valueAt(document, [key]) === undefined)
    return { refusal: `missing key: ${key}` };
  if (change.at === "remove") return { document: without(document, key) };
  if (change.at === "insert" && Array.isArray(document)) {
    const index = key === "-" ? document.length : Number(key);
    return { document: document.toSpliced(index, 0, change.value) };
  }
  return { document: put(document, key, change.value) };
}

function put(document: JsonObject | readonly unknown[], key: string, value: unknown): unknown {
  return isList(document) ? document.with(Number(key), value) : { ...document, [key]: value };
}

function without(document: JsonObject | readonly unknown[], key: string): unknown {
  if (isList(document)) return document.toSpliced(Number(key), 1);
  const { [key]: _gone, ...rest } = document;
  return rest;
}

function isList(value: JsonObject | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}
