// A request as hooks and faults see it.

import type { JsonObject } from "../../../src/base/json.ts";

/** One HTTP request; without fields if it could not be read as GraphQL. */
export interface ApiCall {
  readonly path: string;
  readonly kind: "query" | "mutation" | "subscription" | "http";
  /** The root fields of the operation, by their own names. */
  readonly fields: readonly string[];
  readonly variables: JsonObject;
  /** The `x-prefect-…` headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Called twice for each request, and awaited: `before` its effect, and `after` the effect before the reply is sent.
 * So a test can end a process, or change data, at an exact call.
 */
export type RequestHook = (call: ApiCall, moment: "before" | "after") => void | Promise<void>;
