// The table of a Job's texts beside the schema that the API server itself gives.

import { describe, expect, it } from "vitest";
import { isObject, objectIn } from "../../src/base/json.ts";
import { TEXT_LISTS, TEXT_MAPS, TEXTS } from "../../src/prefect1/build/text-fields.ts";
import { mustKubectl } from "./support/kubectl.ts";

const { definitions } = JSON.parse(mustKubectl(["get", "--raw", "/openapi/v2"])) as { definitions: object };

/** Quantities and ports may be numbers; who wrote a field last is no template's. */
const NO_TEXTS = /Quantity$|IntOrString$|ManagedFieldsEntry$|OwnerReference$|\.Time$/;
/** Of objects' metadata, which the API server sets, or that name what a template cannot choose. */
const OF_THE_SERVER = new Set(["apiVersion", "clusterName", "kind", "resourceVersion", "selfLink", "uid"]);

/** The fields of each type below a schema, by name. */
function fieldsBelow(name: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const visited = new Set<string>();
  const visit = (definition: string): void => {
    if (visited.has(definition)) return;
    visited.add(definition);
    const { properties } = objectIn(objectIn(definitions)[definition]);
    for (const [field, schema] of Object.entries(objectIn(properties))) {
      const type = typeOf(objectIn(schema), visit);
      if (type !== undefined) found.set(type, (found.get(type) ?? new Set()).add(field));
    }
  };
  visit(name);
  return found;
}

/** Such as `string`, `list of integer` or `map of string`; undefined: an object, which is visited. */
function typeOf(schema: object, visit: (definition: string) => void): string | undefined {
  const { type, $ref, items, additionalProperties, format } = schema as Record<string, unknown>;
  if (typeof $ref === "string") {
    if (!NO_TEXTS.test($ref)) visit($ref.replace("#/definitions/", ""));
    return undefined;
  }
  if (isObject(items)) return within("list", typeOf(items, visit));
  if (isObject(additionalProperties)) return within("map", typeOf(additionalProperties, visit));
  return type === "object" ? undefined : `${String(type)}${format === "byte" ? " of bytes" : ""}`;
}

function within(kind: "list" | "map", type: string | undefined): string | undefined {
  return type === undefined ? undefined : `${kind} of ${type}`;
}

describe("the texts of a Job", () => {
  const fields = fieldsBelow("io.k8s.api.batch.v1.JobSpec");

  it.each([
    { type: "string", table: TEXTS },
    { type: "map of string", table: TEXT_MAPS },
    { type: "list of string", table: TEXT_LISTS },
  ])("are known where the schema has a $type", ({ type, table }) => {
    const inSchema = [...(fields.get(type) ?? [])].filter((field) => !OF_THE_SERVER.has(field));
    expect(inSchema).not.toHaveLength(0);
    expect(inSchema.filter((field) => !table.has(field))).toEqual([]);
  });

  it.each([
    { type: "integer", but: "" },
    { type: "number", but: "" },
    { type: "boolean", but: "" },
    // Exit codes of a podFailurePolicy, where the server knows it: Kubernetes 1.25 and later.
    { type: "list of integer", but: "values" },
  ])("are no $type elsewhere", ({ type, but }) => {
    const known = [...TEXTS, ...TEXT_MAPS, ...TEXT_LISTS].filter((field) => fields.get(type)?.has(field));
    expect(known.filter((field) => field !== but)).toEqual([]);
  });
});
