// What can go wrong with a request of the fake.

import type { ConnectionEffect, Fault as FaultOf } from "../faults.ts";
import type { ApiCall } from "./api-call.ts";

export type FaultEffect =
  | ConnectionEffect
  /** An HTTP status in place of the answer; nothing is done. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** HTTP 200 with the error code API_ERROR; nothing is done. */
  | { readonly kind: "api-error" }
  /** HTTP 200 with HTML; nothing is done. */
  | { readonly kind: "not-json" }
  /** GraphQL errors of the caller's choice, HTTP 200; nothing is done. */
  | { readonly kind: "errors"; readonly message: string; readonly code?: string };

/** `match`: a root field's name, or a test of the call. */
export type Fault = Omit<FaultOf<ApiCall, FaultEffect>, "match"> & {
  readonly match?: string | ((call: ApiCall) => boolean);
};

/** The fault with its test of the call. */
export function matching({ match, ...fault }: Fault): FaultOf<ApiCall, FaultEffect> {
  if (match === undefined) return fault;
  return { ...fault, match: typeof match === "string" ? ({ fields }) => fields.includes(match) : match };
}
