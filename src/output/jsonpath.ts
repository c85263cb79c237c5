// kubectl's JSONPath templates at work: `{range .items[*]}{.metadata.name}{"\n"}{end}`.
// Semantics, odd ones included, are client-go's (util/jsonpath); what differs is said where it does.

import { ExpectedError } from "../base/errors.ts";
import { compactJson } from "./canonical-json.ts";
import { findValues, StepError } from "./jsonpath-find.ts";
import { parseJsonPath } from "./jsonpath-parse.ts";
import type { Part } from "./jsonpath-parse.ts";

/** A template that was read once and can be applied to many values. */
export interface JsonPath {
  /** As the user wrote it. */
  readonly source: string;
  readonly parts: readonly Part[];
}

/** Reads a template. Throws SettingsError, with the position, when it cannot be read. */
export function compileJsonPath(source: string): JsonPath {
  return { source, parts: parseJsonPath(source) };
}

/**
 * What the template prints for a value. A missing key prints nothing; an index outside its array, a subscript
 * on what is no array and a comparison of different types throw ExpectedError, as kubectl fails on them.
 */
export function printJsonPath(path: JsonPath, value: unknown): string {
  return evaluate(path, () => {
    const printed: string[] = [];
    forEachResult(path.parts, value, (values) => printed.push(values.map(printedForm).join(" ")));
    return printed.join("");
  });
}

/** All values that the template finds, in order; for columns and sorting. Throws as printJsonPath does. */
export function valuesOf(path: JsonPath, value: unknown): readonly unknown[] {
  return evaluate(path, () => {
    const found: unknown[] = [];
    forEachResult(path.parts, value, (values) => found.push(...values));
    return found;
  });
}

const RELAXED = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/;

/**
 * A single path in any of the four forms that kubectl takes for columns and sorting: `metadata.name`,
 * `.metadata.name`, `{metadata.name}`, `{.metadata.name}`. Undefined when the text is none of them.
 */
export function compileRelaxedPath(text: string): JsonPath | undefined {
  const found = RELAXED.exec(text);
  return found === null ? undefined : compileJsonPath(`{.${found[1] ?? found[2] ?? ""}}`);
}

function forEachResult(
  parts: readonly Part[],
  value: unknown,
  visit: (values: readonly unknown[]) => void,
): void {
  for (const part of parts) {
    const values = findValues([value], part.steps);
    if (part.kind === "print") visit(values);
    else for (const one of values) forEachResult(part.body, one, visit);
  }
}

function printedForm(value: unknown): string {
  return typeof value === "string" ? value : compactJson(value);
}

function evaluate<T>(path: JsonPath, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    throw new ExpectedError(`cannot apply jsonpath "${path.source}": ${error.message}`, { cause: error });
  }
}
