// Reading a mutation's input: GraphQL has checked its shape, but UUID and DateTime are only checked by Prefect's own service.

import type { JsonObject } from "../../../src/base/json.ts";
import { apiError } from "./api-error.ts";
import { storedTime } from "./time.ts";
import { storedUuid } from "./uuid.ts";

/** A UUID, or undefined if it was not given. */
export function optionalUuid(input: JsonObject, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  const id = storedUuid(value);
  if (id === undefined) throw badValue(field, value, "UUID");
  return id;
}

/** A UUID that the schema demands. */
export function uuidIn(input: JsonObject, field: string): string {
  const id = optionalUuid(input, field);
  if (id === undefined) throw badValue(field, null, "UUID");
  return id;
}

/** A moment in stored form, or undefined if it was not given. */
export function optionalTime(input: JsonObject, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  const time = typeof value === "string" ? storedTime(value) : undefined;
  if (time === undefined) throw badValue(field, value, "DateTime");
  return time;
}

function badValue(field: string, value: unknown, type: string): Error {
  return apiError(
    `Variable '$input' got invalid value ${JSON.stringify(value)} at 'input.${field}'; Expected type ${type}.`,
  );
}
