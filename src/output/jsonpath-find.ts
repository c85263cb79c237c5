// The steps of a JSONPath chain, each from a list of values to the next. Rules: client-go, util/jsonpath/jsonpath.go.

import { isObject } from "../base/json.ts";
import { sortedEntries } from "./canonical-json.ts";
import type { FilterOperator, Step } from "./jsonpath-parse.ts";

/** A step met a value that it cannot be applied to. The message is the cause alone. */
export class StepError extends Error {}

/** What a chain of steps finds, starting from the given values. Throws StepError. */
export function findValues(from: readonly unknown[], steps: readonly Step[]): readonly unknown[] {
  return steps.reduce<readonly unknown[]>((values, step) => applyStep(values, step), from);
}

function applyStep(values: readonly unknown[], step: Step): readonly unknown[] {
  switch (step.kind) {
    case "field":
      return values.flatMap((value) => fieldOf(value, step.name));
    case "wildcard":
      return values.flatMap(childrenOf);
    case "recursive":
      return values.flatMap(withDescendants);
    case "literal":
      return [step.value];
    case "index":
      return values.flatMap((value) => indexed(value, step.at));
    case "slice":
      return values.flatMap((value) => sliced(value, step));
    case "union":
      return step.members.flatMap((member) => findValues(values, member));
    case "exists":
      return values.flatMap((value) => elementsOf(value).filter((element) => exists(element, step.path)));
    default:
      return values.flatMap((value) => elementsOf(value).filter((element) => passes(element, step)));
  }
}

function fieldOf(value: unknown, name: string): readonly unknown[] {
  if (!isObject(value) || !Object.hasOwn(value, name)) return [];
  const field = value[name];
  return field === undefined ? [] : [field];
}

/** Of an object in the order of its keys: Go gives them in any order, we in one that can be relied on. */
function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [];
  return sortedEntries(value).map(([, child]) => child);
}

function withDescendants(value: unknown): readonly unknown[] {
  // Go counts a string as a container of bytes; text that is not empty is therefore among the results.
  if (typeof value === "string" && value !== "") return [value];
  const children = childrenOf(value);
  return children.length === 0 ? [] : [value, ...children.flatMap(withDescendants)];
}

function indexed(value: unknown, at: number): readonly unknown[] {
  const array = arrayOf(value);
  if (array === undefined) return [];
  const index = at < 0 ? at + array.length : at;
  checkIndex(index, array.length);
  return [array[index]];
}

function sliced(value: unknown, step: Extract<Step, { kind: "slice" }>): readonly unknown[] {
  const array = arrayOf(value);
  if (array === undefined) return [];
  const size = array.length;
  const from = fromEnd(step.from ?? 0, size);
  const to = fromEnd(step.to ?? size, size);
  if (from === to) return [];
  checkIndex(from, size);
  if (to > size || to < 0) checkIndex(to - 1, size);
  if (from > to) throw new StepError(`the slice begins at ${from}, after its end at ${to}`);
  const stride = step.step ?? 1;
  if (stride <= 0) throw new StepError("the step of a slice must be greater than 0");
  return array.slice(from, to).filter((_, at) => at % stride === 0);
}

function fromEnd(index: number, size: number): number {
  return index < 0 ? index + size : index;
}

function checkIndex(index: number, size: number): void {
  if (index < 0 || index >= size) throw new StepError(`index ${index} is outside an array of ${size}`);
}

/** The array, undefined for null; anything else cannot be indexed. */
function arrayOf(value: unknown): readonly unknown[] | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value;
  throw new StepError(`${nameOfType(value)} is not an array`);
}

function elementsOf(value: unknown): readonly unknown[] {
  return arrayOf(value) ?? [];
}

function exists(element: unknown, path: readonly Step[]): boolean {
  try {
    return findValues([element], path).length > 0;
  } catch (error) {
    if (error instanceof StepError) return false;
    throw error;
  }
}

function passes(element: unknown, step: Extract<Step, { kind: "compare" }>): boolean {
  const left = onlyOne(findValues([element], step.left));
  const right = onlyOne(findValues([element], step.right));
  if (left === undefined || left === null || right === undefined || right === null) return false;
  return compare(left, right, step.operator);
}

function onlyOne(values: readonly unknown[]): unknown {
  if (values.length > 1) throw new StepError("a filter compares one value with one, not several");
  return values[0];
}

/** Whole and broken numbers may be compared, which kubectl refuses; text with numbers may not. */
function compare(left: unknown, right: unknown, operator: FilterOperator): boolean {
  if (typeof left !== typeof right || typeof left === "object") {
    throw new StepError(`${nameOfType(left)} cannot be compared with ${nameOfType(right)}`);
  }
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (typeof left === "number" && typeof right === "number") return inOrder(left - right, operator);
  if (typeof left === "string" && typeof right === "string") {
    return inOrder(left === right ? 0 : left < right ? -1 : 1, operator);
  }
  throw new StepError(`${nameOfType(left)} has no order; compare it with == or !=`);
}

function inOrder(difference: number, operator: "<" | "<=" | ">" | ">="): boolean {
  switch (operator) {
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    default:
      return difference >= 0;
  }
}

function nameOfType(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}
