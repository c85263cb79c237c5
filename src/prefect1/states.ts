// Prefect 1 states: the wire form and the questions that are asked of them. Hierarchy: prefect.engine.state of Core 1.4.1.

import type { JsonObject } from "../base/json.ts";

/** A serialized state. Only `type` is certain: a fresh task run has no more than type and message. */
export interface State {
  readonly type: string;
  readonly message?: string | null;
  readonly start_time?: string | null;
  readonly context?: JsonObject | null;
  readonly state?: State | null;
  readonly [extra: string]: unknown;
}

const SCHEDULED = new Set(["Scheduled", "Paused", "Resume", "Retrying", "Queued"]);
const SUCCESSFUL = new Set(["Success", "Cached", "Mapped", "Skipped"]);
const FAILED = new Set(["Failed", "TimedOut", "TriggerFailed", "ValidationFailed"]);

/** Waiting for a start time: Scheduled, Paused, Resume, Retrying and Queued, as Core's is_scheduled(). */
export function isScheduled(type: string): boolean {
  return SCHEDULED.has(type);
}

/** Over: nothing changes the run any more. */
export function isFinished(type: string): boolean {
  return (
    isSuccessful(type) || isFailed(type) || type === "Cancelled" || type === "Finished" || type === "Looped"
  );
}

export function isSuccessful(type: string): boolean {
  return SUCCESSFUL.has(type);
}

/** Not Cancelled, not ClientFailed. */
export function isFailed(type: string): boolean {
  return FAILED.has(type);
}

/** When the state may start, or undefined for "now". A naive time is UTC, as Core reads it. */
export function startTimeOf(state: State): Date | undefined {
  const text = state.start_time;
  if (typeof text !== "string" || text === "") return undefined;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const at = new Date(zoned);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const CORE_VERSION = "1.4.1";
const NO_RESULT = { type: "NoResultType", __version__: CORE_VERSION };

/** A state as Core would write it. */
export function newState(type: string, message: string, extra: JsonObject = {}): State {
  return {
    type,
    __version__: CORE_VERSION,
    message,
    context: {},
    cached_inputs: {},
    _result: NO_RESULT,
    ...extra,
  };
}

/** Submitted around what it was; a meta state is unwrapped first, they never nest. */
export function submitted(was: State, message: string, context: JsonObject): State {
  const inner = isMeta(was.type) ? (was.state ?? null) : was;
  return newState("Submitted", message, { context, state: inner as JsonObject | null });
}

/** Scheduled to start at a moment; `+00:00`, as Core writes UTC. */
export function scheduledAt(at: Date, message: string): State {
  return newState("Scheduled", message, { start_time: isoUtc(at) });
}

/** The form in which Python writes a UTC moment: `+00:00`, never `Z`. */
export function isoUtc(at: Date): string {
  return at.toISOString().replace("Z", "+00:00");
}

function isMeta(type: string): boolean {
  return type === "Submitted" || type === "Queued" || type === "ClientFailed";
}
