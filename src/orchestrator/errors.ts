// What goes wrong with a Prefect API, whichever it is.

import { ExpectedError } from "../base/errors.ts";
import type { ErrorDetails } from "../base/errors.ts";

/** What kind of failure: whether it is worth another try, and whether anyone but an administrator can mend it. */
export type PrefectFailure =
  | "unreachable" // no answer; the request may have had its effect
  | "overloaded" // 429 or 5xx
  | "unauthorized" // 401, 403, UNAUTHENTICATED
  | "locked" // VERSION_LOCKING_ERROR, or "State update failed": somebody else was first
  | "refused" // any other GraphQL or HTTP error
  | "unreadable"; // not JSON

/** The Prefect API cannot be reached, or refuses. Exit code 3. */
export class PrefectError extends ExpectedError {
  override readonly exitCode = 3;
  readonly failure: PrefectFailure;
  readonly retryAfterMs: number | undefined;
  /** The cause alone, without what was tried. */
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
