// Deleting one object or a collection, as requests ask for it.

import type { Deletion } from "./deletion.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { deletedStatus, deleteVersion, writable } from "./deletion.ts";
import type { Propagation } from "./deletion.ts";
import { badRequest, invalid } from "./failure.ts";
import { listJson, numberIn } from "./lists.ts";
import { selectionOf } from "./selection.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";
import { Version } from "./version.ts";
import { isDryRun } from "./writes.ts";

const OPTIONS = { group: "meta.k8s.io", kind: "DeleteOptions" };

/** The deletions of a store. Both answer with JSON. */
export class Deletes {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;

  constructor(store: Store, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Deletes one object: tells of its end, or shows it on its way out. */
  one(target: Target, body: string): string {
    const options = { ...deletionOf(target.query, body), now: this.#clock.now() };
    const version = writable(this.#store, target);
    const { object, gone } = deleteVersion(this.#store, version, options);
    if (gone && !target.type.returnsDeleted) return JSON.stringify(deletedStatus(version));
    return new Version(target.type, object, version.at).json;
  }

  /** Deletes what is selected, and lists it as it was. */
  collection(target: Target, body: string): string {
    const { matches } = selectionOf(target);
    const options = { ...deletionOf(target.query, body), now: this.#clock.now() };
    const limit = numberIn(target.query, "limit") ?? 0;
    const all = this.#store.all(target.type, target.namespace).filter((version) => matches(version.object));
    const wanted = limit > 0 ? all.slice(0, limit) : all;
    const metadata = JSON.stringify({ resourceVersion: String(this.#store.at) });
    for (const version of wanted) deleteVersion(this.#store, version, options);
    return listJson(target, metadata, wanted);
  }
}

/** How to delete: the body's DeleteOptions, else the query's. */
function deletionOf(query: URLSearchParams, body: string): Deletion {
  const given = body.trim() === "" ? queryOptions(query) : parsed(body);
  const preconditions = objectIn(given["preconditions"]);
  const rehearses = arrayIn(given["dryRun"]).includes("All");
  const grace = given["gracePeriodSeconds"];
  return {
    propagation: propagationOf(given),
    graceSeconds: typeof grace === "number" ? grace : undefined,
    uid: textIn(preconditions["uid"]),
    resourceVersion: textIn(preconditions["resourceVersion"]),
    dryRun: isDryRun(query) || rehearses,
  };
}

function queryOptions(query: URLSearchParams): JsonObject {
  const orphan = query.get("orphanDependents");
  return {
    propagationPolicy: query.get("propagationPolicy") ?? undefined,
    gracePeriodSeconds: numberIn(query, "gracePeriodSeconds"),
    orphanDependents: orphan === null ? undefined : orphan === "true",
  };
}

function parsed(body: string): JsonObject {
  const refused = "couldn't get version/kind; json parse error";
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch (error) {
    throw badRequest(`${refused}: ${error instanceof Error ? error.message : ""}`);
  }
  throw badRequest(`${refused}: json: cannot unmarshal into an object`);
}

function propagationOf(given: JsonObject): Propagation | undefined {
  const asked = given["propagationPolicy"] ?? undefined;
  const orphan = given["orphanDependents"] ?? undefined;
  if (asked !== undefined && orphan !== undefined) {
    const message = `Invalid value: ${JSON.stringify(asked)}: orphanDependents and deletionPropagation cannot be both set`;
    throw invalid(OPTIONS, "", [{ reason: "FieldValueInvalid", message, field: "propagationPolicy" }]);
  }
  if (asked === undefined)
    return orphan === undefined ? undefined : orphan === true ? "Orphan" : "Background";
  if (asked === "Foreground" || asked === "Background" || asked === "Orphan") return asked;
  const list = 'supported values: "Foreground", "Background", "Orphan", "nil"';
  const message = `Unsupported value: ${JSON.stringify(asked)}: ${list}`;
  throw invalid(OPTIONS, "", [{ reason: "FieldValueNotSupported", message, field: "propagationPolicy" }]);
}
