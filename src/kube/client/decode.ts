// Decodes API objects and adds the required fields that are missing.

import { jsonIn, objectIn, textIn } from "../../base/json.ts";
import { watchError } from "./errors.ts";
import type { KindMap, Resource } from "./objects.ts";

export type WatchEvent<R extends Resource> =
  /** The server has answered: the watch is open. */
  | { readonly type: "OPEN" }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KindMap[R] }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

type Mutable = Record<string, unknown>;

const META_TEXTS = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] as const;

/** Fills in metadata, spec and status, and drops nulls, in place: a node that knows no times may write null for them. */
export function decodeObject<R extends Resource>(raw: unknown): KindMap[R] {
  const object: Mutable = objectIn(raw);
  const meta: Mutable = objectIn(object["metadata"]);
  // Nothing reads them, and they are half of an object.
  delete meta["managedFields"];
  dropNulls(object);
  for (const key of META_TEXTS) if (typeof meta[key] !== "string") meta[key] = "";
  object["metadata"] = meta;
  object["spec"] = objectIn(object["spec"]);
  object["status"] = objectIn(object["status"]);
  return object as unknown as KindMap[R];
}

function dropNulls(parent: Mutable | readonly unknown[]): void {
  if (Array.isArray(parent)) {
    for (const value of parent) if (typeof value === "object" && value !== null) dropNulls(value as Mutable);
    return;
  }
  const object = parent as Mutable;
  for (const key in object) {
    const value = object[key];
    if (value === null) delete object[key];
    else if (typeof value === "object") dropNulls(value as Mutable);
  }
}

/** One watch event, a line of JSON. Throws KubeError for an ERROR event. */
export function decodeWatchEvent<R extends Resource>(
  line: Buffer,
  action: string,
): WatchEvent<R> | undefined {
  const frame = jsonIn(line.toString("utf8"));
  if (frame === undefined)
    throw watchError(action, { message: "the server sent something else than an event" });
  const { type, object } = objectIn(frame);
  if (type === "ERROR") throw watchError(action, object);
  if (type === "BOOKMARK") {
    const { resourceVersion } = objectIn(objectIn(object)["metadata"]);
    return { type, resourceVersion: textIn(resourceVersion) ?? "" };
  }
  const isChange = type === "ADDED" || type === "MODIFIED" || type === "DELETED";
  return isChange ? { type, object: decodeObject<R>(object) } : undefined;
}
