// Prefect 1 states: their JSON form and their types, as in prefect.engine.state of Core 1.4.1.

import { storable } from "../orchestrator/run-reporter.ts";
import { objectIn, textIn, type JsonObject } from "../base/json.ts";
import { isFinished as isFinal, type StateType } from "../orchestrator/flow-run.ts";

/** A serialized state. Only `type` is always present: a new task run has only type and message. */
export interface State {
  readonly type: string;
  readonly message?: string | null;
  readonly start_time?: string | null;
  readonly context?: JsonObject | null;
  readonly state?: State | null;
  readonly [extra: string]: unknown;
}

/** A serialized state; as in Core, without a type it counts as Pending. */
export function stateIn(raw: unknown): State {
  const state = objectIn(raw);
  return { ...state, type: textIn(state["type"]) ?? "Pending" };
}

/** States that wait for a start time; Prefect's queue returns them. */
export const WAITING: readonly string[] = ["Scheduled", "Paused", "Resume", "Retrying", "Queued"];
const TYPES: readonly (readonly [StateType, readonly string[]])[] = [
  // Prefect Cloud sets Queued for a flow's process, which waits in its pod for a concurrency slot.
  ["pending", ["Submitted", "Queued"]],
  ["running", ["Running"]],
  ["paused", ["Paused"]],
  ["cancelling", ["Cancelling"]],
  ["cancelled", ["Cancelled"]],
  ["completed", ["Success", "Cached", "Mapped", "Skipped", "Finished", "Looped"]],
  ["failed", ["Failed", "TimedOut", "TriggerFailed", "ValidationFailed"]],
];

/** `scheduled` if nothing runs the flow: Scheduled, Resume, Retrying, Pending, and unknown names. */
export function stateType(name: string): StateType {
  return TYPES.find(([, names]) => names.includes(name))?.[0] ?? "scheduled";
}

/** Like Core's is_scheduled(): it waits for a start time. */
export function isScheduled(name: string): boolean {
  return WAITING.includes(name);
}

/** Like Core's is_finished(). */
export function isFinished(name: string): boolean {
  return isFinal(stateType(name));
}

/** The final states. */
export const FINISHED: readonly string[] = TYPES.flatMap(([, names]) => names).filter(isFinished);

/** The start time; undefined: now. A time without zone is UTC, as in Core. */
export function startTimeOf(state: State): Date | undefined {
  const text = state.start_time;
  if (typeof text !== "string" || text === "") return undefined;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const at = new Date(zoned);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** The version of Prefect Core that requests are sent as. */
export const CORE_VERSION = "1.4.1";
const NO_RESULT = { type: "NoResultType", __version__: CORE_VERSION };

/** A state in the form that Core writes. */
export function newState(type: string, message: string, extra: JsonObject = {}): State {
  return {
    type,
    __version__: CORE_VERSION,
    message: storable(message),
    context: {},
    cached_inputs: {},
    _result: NO_RESULT,
    ...extra,
  };
}

/** A Submitted state that wraps the previous state. Meta states never nest, so a previous one is unwrapped. */
export function submitted(previous: State, message: string, context: JsonObject): State {
  const isMeta = ["Submitted", "Queued", "ClientFailed"].includes(previous.type);
  const inner = isMeta ? (previous.state ?? null) : previous;
  return newState("Submitted", message, { context, state: inner as JsonObject | null });
}

/** Python's form of a UTC time: `+00:00`, never `Z`. */
export function isoUtc(at: Date): string {
  return at.toISOString().replace("Z", "+00:00");
}
