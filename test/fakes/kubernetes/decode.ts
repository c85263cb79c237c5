// From the text of a request to an object: JSON, kind, and the types of the fields that people get wrong.

import { arrayIn, isObject, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { badRequest } from "./failure.ts";
import { apiVersionOf } from "./resources.ts";
import type { ResourceType } from "./resources.ts";

const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/;

/** The object in a request's body, without its nulls. Throws a 400 Failure when it is none, or one of another kind. */
export function decodeObject(body: string, type: ResourceType): JsonObject {
  const object = parse(body, type);
  const kind = object["kind"] ?? type.kind;
  const apiVersion = object["apiVersion"] ?? apiVersionOf(type);
  if (kind !== type.kind || apiVersion !== apiVersionOf(type)) {
    const version = wordOf(apiVersion).split("/").at(-1) ?? "";
    const cause = `no kind "${wordOf(kind)}" is registered for version "${wordOf(apiVersion)}"`;
    throw badRequest(`${wordOf(kind)} in version "${version}" cannot be handled as a ${type.kind}: ${cause}`);
  }
  return checked(withoutNulls(object), type);
}

/** The object if all its fields have their types. Throws a 400 Failure otherwise. */
export function checked(object: JsonObject, type: ResourceType): JsonObject {
  const check = new Types(type);
  check.meta(object["metadata"], "metadata");
  const spec = objectIn(object["spec"]);
  if (type.kind === "Job") check.job(spec);
  if (type.kind === "Pod") check.podSpec(spec, "spec");
  if (type.kind === "Lease") check.lease(spec);
  return object;
}

function parse(body: string, type: ResourceType): JsonObject {
  const refused = `the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind`;
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch (error) {
    throw badRequest(`${refused}; json parse error: ${error instanceof Error ? error.message : ""}`);
  }
  throw badRequest(`${refused}; json parse error: json: cannot unmarshal into an object`);
}

/** The value without object fields that are null; the server reads them as absent. */
export function withoutNulls(object: JsonObject): JsonObject {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value !== null) kept[key] = cleaned(value);
  }
  return kept;
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  return isObject(value) ? withoutNulls(value) : value;
}

function wordOf(value: unknown): string {
  return textIn(value) ?? JSON.stringify(value);
}

/** Names a JSON value's type as Go's decoder does. */
function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

class Types {
  readonly #type: ResourceType;

  constructor(type: ResourceType) {
    this.#type = type;
  }

  meta(value: unknown, path: string): void {
    const meta = objectIn(value);
    for (const field of ["name", "generateName", "namespace"])
      this.#one(meta[field], "ObjectMeta", `${path}.${field}`);
    for (const field of ["labels", "annotations"]) {
      for (const entry of Object.values(objectIn(meta[field])))
        this.#one(entry, "ObjectMeta", `${path}.${field}`);
    }
  }

  job(spec: JsonObject): void {
    for (const field of ["backoffLimit", "parallelism", "completions", "ttlSecondsAfterFinished"]) {
      this.#integer(spec, field, "int32");
    }
    this.#integer(spec, "activeDeadlineSeconds", "int64");
    const template = objectIn(spec["template"]);
    this.meta(template["metadata"], "spec.template.metadata");
    this.podSpec(objectIn(template["spec"]), "spec.template.spec");
  }

  podSpec(spec: JsonObject, path: string): void {
    for (const field of ["restartPolicy", "serviceAccountName", "nodeName"]) {
      this.#one(spec[field], "PodSpec", `${path}.${field}`);
    }
    for (const list of ["containers", "initContainers"]) {
      for (const container of arrayIn(spec[list])) this.#container(objectIn(container), `${path}.${list}`);
    }
  }

  lease(spec: JsonObject): void {
    for (const field of ["renewTime", "acquireTime"]) {
      const time = spec[field];
      if (time === undefined || (typeof time === "string" && MICRO_TIME.test(time))) continue;
      this.#refuse(`parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00"`);
    }
  }

  #container(container: JsonObject, path: string): void {
    for (const field of ["name", "image", "imagePullPolicy"])
      this.#one(container[field], "Container", `${path}.${field}`);
    for (const field of ["command", "args"]) {
      for (const word of arrayIn(container[field])) this.#one(word, "Container", `${path}.${field}`);
    }
    for (const variable of arrayIn(container["env"])) {
      for (const field of ["name", "value"])
        this.#one(objectIn(variable)[field], "EnvVar", `${path}.env.${field}`);
    }
    for (const list of Object.values(objectIn(container["resources"]))) {
      for (const amount of Object.values(objectIn(list))) this.#quantity(amount);
    }
  }

  #one(value: unknown, struct: string, path: string): void {
    if (value === undefined || typeof value === "string") return;
    this.#refuse(
      `json: cannot unmarshal ${goKind(value)} into Go struct field ${struct}.${path} of type string`,
    );
  }

  #integer(spec: JsonObject, field: string, go: "int32" | "int64"): void {
    const value = spec[field];
    if (value === undefined || Number.isInteger(value)) return;
    this.#refuse(
      `json: cannot unmarshal ${goKind(value)} into Go struct field JobSpec.spec.${field} of type ${go}`,
    );
  }

  #quantity(amount: unknown): void {
    if (typeof amount === "number" || (typeof amount === "string" && QUANTITY.test(amount))) return;
    this.#refuse(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }

  #refuse(cause: string): never {
    const { version, kind } = this.#type;
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${cause}`);
  }
}
