// The form in which the server keeps a state: what Core 1.4.1's StateSchema makes of it when it reads and writes it again.
// Unknown keys are dropped, missing ones filled in, `context` is kept.

import { isObject, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { State } from "../../../src/prefect1/states.ts";
import { apiError } from "./api-error.ts";

const CORE_VERSION = "1.4.1";
const MAX_STATE_BYTES = 1_000_000;

/** Class → parent, as in prefect.engine.state. */
const PARENTS: Readonly<Record<string, string>> = {
  Pending: "State",
  Scheduled: "Pending",
  Paused: "Scheduled",
  Resume: "Scheduled",
  Retrying: "Scheduled",
  Running: "State",
  Cancelling: "Running",
  Finished: "State",
  Looped: "Finished",
  Success: "Finished",
  Cached: "Success",
  Mapped: "Success",
  Skipped: "Success",
  Cancelled: "Finished",
  Failed: "Finished",
  TimedOut: "Failed",
  TriggerFailed: "Failed",
  ValidationFailed: "Failed",
  _MetaState: "State",
  Submitted: "_MetaState",
  Queued: "_MetaState",
  ClientFailed: "_MetaState",
};

const RESULT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  NoResultType: [],
  AzureResult: ["container", "location"],
  ConstantResult: ["location"],
  GCSResult: ["bucket", "location"],
  LocalResult: ["dir", "location"],
  PrefectResult: ["location"],
  Result: ["location"],
  S3Result: ["bucket", "location"],
  SecretResult: ["location", "secret_type"],
};

/** The state as the server stores it. Throws what StateSchema says of one that it cannot read. */
export function storedState(given: unknown, now: Date): State {
  if (!isObject(given)) throw apiError("{'_schema': ['Invalid input type.']}");
  const type = given["type"];
  if (typeof type !== "string") throw apiError("{'type': ['Missing data for required field.']}");
  if (PARENTS[type] === undefined || type.startsWith("_") || type === "State") {
    throw apiError(`{'type': ['Unsupported value: ${type}']}`);
  }
  const message = given["message"] ?? null;
  if (message !== null && typeof message !== "string") {
    throw apiError("{'message': ['Not a valid string.']}");
  }
  return {
    type,
    __version__: CORE_VERSION,
    message,
    context: objectIn(given["context"]),
    cached_inputs: mapResults(objectIn(given["cached_inputs"])),
    ...(type === "Mapped" ? {} : { _result: storedResult(given["_result"]) }),
    ...extras(type, given, now),
  };
}

/** What `sys.getsizeof(json.dumps(state))` limits to a million bytes. */
export function checkSize(state: unknown): void {
  const text = JSON.stringify(state);
  // Python writes "\u00e9" for é and a blank after each comma and colon: never more than six times as much.
  if (text.length * 6 < MAX_STATE_BYTES) return;
  if (pythonLength(state) + 49 > MAX_STATE_BYTES) throw apiError("State payload is too large.");
}

/** Length of Python's json.dumps of a value. */
function pythonLength(value: unknown): number {
  if (Array.isArray(value)) {
    return 2 + Math.max(0, value.length - 1) * 2 + value.reduce((sum, item) => sum + pythonLength(item), 0);
  }
  if (isObject(value)) {
    const entries = Object.entries(value);
    const between = Math.max(0, entries.length - 1) * 2;
    return entries.reduce(
      (sum, [key, item]) => sum + pythonLength(key) + 2 + pythonLength(item),
      2 + between,
    );
  }
  const text = JSON.stringify(value) ?? "";
  return text.length + 5 * text.replace(/[\x20-\x7e]/g, "").length;
}

function extras(type: string, given: JsonObject, now: Date): JsonObject {
  switch (type) {
    case "Scheduled":
    case "Resume":
      return { start_time: timeIn(given) ?? pythonNow(now) };
    case "Paused":
      return { start_time: timeIn(given) };
    case "Retrying":
      return { start_time: timeIn(given) ?? pythonNow(now), run_count: given["run_count"] ?? 1 };
    case "Queued":
      return { start_time: timeIn(given) ?? pythonNow(now), state: innerState(given["state"], now) };
    case "Submitted":
    case "ClientFailed":
      return { state: innerState(given["state"], now) };
    case "Looped":
      return { loop_count: given["loop_count"] ?? 1 };
    case "Cached":
      return {
        cached_parameters: given["cached_parameters"] ?? null,
        cached_result_expiration: given["cached_result_expiration"] ?? null,
        hashed_inputs: given["hashed_inputs"] ?? null,
      };
    case "Mapped":
      return { n_map_states: given["n_map_states"] ?? 0 };
    default:
      return {};
  }
}

function innerState(inner: unknown, now: Date): State | null {
  return inner === null || inner === undefined ? null : storedState(inner, now);
}

function storedResult(given: unknown): JsonObject {
  if (given === undefined) return { type: "NoResultType", __version__: CORE_VERSION };
  if (given === null) throw apiError("{'_result': ['Field may not be null.']}");
  const result = objectIn(given);
  const known = RESULT_FIELDS[String(result["type"])];
  const type = known === undefined ? "Result" : String(result["type"]);
  const fields = (known ?? ["location"]).map((name): [string, unknown] => [name, result[name] ?? null]);
  return { type, __version__: CORE_VERSION, ...Object.fromEntries(fields) };
}

function mapResults(inputs: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, storedResult(value)]));
}

/** The start time as Python's isoformat() writes it: the offset stays, `Z` and a naive time become `+00:00`. */
function timeIn(given: JsonObject): string | null {
  const text = given["start_time"] ?? null;
  if (text === null) return null;
  const found =
    typeof text === "string"
      ? /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text)
      : null;
  if (found === null) throw apiError("{'start_time': ['Not a valid datetime.']}");
  const [, day, minute, second = "00", fraction = "", zone = "Z"] = found;
  const micros = /^0*$/.test(fraction) ? "" : `.${fraction.padEnd(6, "0")}`;
  const offset = zone === "Z" ? "+00:00" : zone.replace(/^(...)(\d\d)$/, "$1:$2");
  return `${day}T${minute}:${second}${micros}${offset}`;
}

function pythonNow(now: Date): string {
  return `${now.toISOString().slice(0, 19)}.${now.toISOString().slice(20, 23)}000+00:00`;
}
