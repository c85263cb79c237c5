// The responses of the fake API server.

import type { WholeResponse } from "../http-server.ts";
import type { Failure } from "./failure.ts";

/** JSON as the server sends it: with a line feed at the end. */
export function json(status: number, body: string): WholeResponse {
  return { status, body: `${body}\n`, headers: { "content-type": "application/json" } };
}

/** Plain text: health, and unknown paths. */
export function plain(status: number, body: string): WholeResponse {
  return { status, body, headers: { "content-type": "text/plain; charset=utf-8" } };
}

/** The response for a refusal. */
export function refused(failure: Failure): WholeResponse {
  const response = json(failure.code, JSON.stringify(failure.body));
  const after = failure.retryAfterSeconds;
  return after === undefined
    ? response
    : { ...response, headers: { ...response.headers, "retry-after": String(after) } };
}
