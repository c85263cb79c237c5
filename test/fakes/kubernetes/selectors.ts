// Label and field selectors, compiled to predicates.

import { objectIn } from "../../../src/base/json.ts";
import { badRequest } from "./failure.ts";
import type { KubeObject } from "./kube-object.ts";
import type { ResourceType } from "./resources.ts";

/** Whether an object is selected. */
export type Predicate = (object: KubeObject) => boolean;
type Labels = Readonly<Record<string, string>>;

const KEY = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const ABSENT = new RegExp(`^!\\s*(${KEY})$`);
const COMPARED = new RegExp(`^(${KEY})(?:\\s*(==|=|!=|>|<)\\s*([-A-Za-z0-9_.]*))?$`);
const AMONG = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([-A-Za-z0-9_.,\\s]*)\\)$`);

/** Which objects a labelSelector selects; undefined when it selects all. Throws a 400 Failure when it cannot be read. */
export function labelPredicate(selector: string): Predicate | undefined {
  const parts = splitOutsideParentheses(selector);
  if (parts.length === 1 && parts[0] === "") return undefined;
  const tests = parts.map((part) => labelTest(part));
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return tests.every((test) => test(labels));
  };
}

function splitOutsideParentheses(selector: string): readonly string[] {
  return selector.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function labelTest(part: string): (labels: Labels) => boolean {
  const [, absent] = ABSENT.exec(part) ?? [];
  if (absent !== undefined) return (labels) => labels[absent] === undefined;
  const [, key, among, list = ""] = AMONG.exec(part) ?? [];
  if (key !== undefined) {
    const values = new Set(list.split(",").map((value) => value.trim()));
    if (among === "in") return (labels) => values.has(labels[key] ?? "\0");
    return (labels) => !values.has(labels[key] ?? "\0");
  }
  const [, name, operator, value = ""] = COMPARED.exec(part) ?? [];
  if (name === undefined) throw badRequest(`unable to parse requirement: found '${part}'`);
  return comparison(name, operator, value);
}

function comparison(key: string, operator: string | undefined, value: string): (labels: Labels) => boolean {
  switch (operator) {
    case undefined:
      return (labels) => labels[key] !== undefined;
    case "!=":
      return (labels) => labels[key] !== value;
    case ">":
      return (labels) => Number(labels[key] ?? Number.NaN) > Number(value);
    case "<":
      return (labels) => Number(labels[key] ?? Number.NaN) < Number(value);
    default:
      return (labels) => labels[key] === value;
  }
}

/** Which objects a fieldSelector selects; undefined when it selects all. Throws a 400 Failure for other fields. */
export function fieldPredicate(selector: string, type: ResourceType): Predicate | undefined {
  if (selector.trim() === "") return undefined;
  const tests = selector.split(",").map((part) => fieldTest(part.trim(), type));
  return (object) => tests.every((test) => test(object));
}

function fieldTest(part: string, type: ResourceType): Predicate {
  const [, field, operator, value = ""] = /^([^=!]+?)\s*(==|=|!=)\s*(.*)$/.exec(part) ?? [];
  if (field === undefined) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
  const isMeta = field === "metadata.name" || (field === "metadata.namespace" && type.namespaced);
  if (!isMeta && !type.fields.includes(field)) throw unknownField(field, type);
  const path = field.split(".");
  const wanted = operator !== "!=";
  return (object) => (fieldOf(object, path) === value) === wanted;
}

function unknownField(field: string, type: ResourceType): Error {
  if (type.kind === "Job") return badRequest(`field label "${field}" not supported for Job`);
  if (type.fields.length > 0) return badRequest(`field label not supported: ${field}`);
  return badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}

function fieldOf(object: KubeObject, path: readonly string[]): string {
  // The one field whose name in a selector is not its name in the object.
  if (path.join(".") === "status.successful") return JSON.stringify(object.status?.["succeeded"] ?? 0);
  let value: unknown = object;
  for (const key of path) value = objectIn(value)[key];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}
