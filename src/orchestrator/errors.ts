// Errors of a Prefect API, whichever version it is.

import { ExpectedError } from "../base/errors.ts";
import type { ErrorDetails } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";
import { isCertificateError } from "../http/errors.ts";
import type { TransportError } from "../http/errors.ts";

/** The kind of failure; it decides whether a retry can help. */
export type PrefectFailure =
  | "unreachable" // no response; the request may still have taken effect
  | "overloaded" // 429 or 5xx
  | "unauthorized" // 401, 403, UNAUTHENTICATED
  | "locked" // VERSION_LOCKING_ERROR, or "State update failed": somebody else changed the state first
  | "refused" // any other GraphQL or HTTP error
  | "unreadable"; // not JSON

/** The Prefect API cannot be reached, or rejects the request. Exit code 3. */
export class PrefectError extends ExpectedError {
  override readonly exitCode = 3;
  readonly failure: PrefectFailure;
  readonly retryAfterMs: number | undefined;
  /** The cause only, without the attempted action. */
  readonly detail: string;

  constructor(
    action: string,
    detail: string,
    more: ErrorDetails & { readonly failure: PrefectFailure; readonly retryAfterMs?: number | undefined },
  ) {
    const transient =
      more.failure === "unreachable" || more.failure === "overloaded" || more.failure === "unreadable";
    super(`cannot ${action}: ${detail}`, { ...more, retryable: transient });
    this.failure = more.failure;
    this.retryAfterMs = more.retryAfterMs;
    this.detail = detail;
  }
}

/** The error for an API that does not answer; the hints say where its URL and its authorities are set. */
export function unreachableError(
  action: string,
  hints: { readonly url: string; readonly address: string; readonly authorities: string },
  cause: TransportError,
): PrefectError {
  const detail = `the Prefect API at ${redactUrl(hints.url)} cannot be reached: ${cause.message}`;
  const hint = isCertificateError(cause) ? `name the CA's file in ${hints.authorities}` : hints.address;
  return new PrefectError(action, detail, { failure: "unreachable", cause, hint });
}
