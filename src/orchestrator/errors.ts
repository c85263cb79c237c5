// Errors of a Prefect API, whichever version it is.

import { ExpectedError, type ErrorDetails } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";
import { isCertificateError, type TransportError } from "../http/errors.ts";
import type { HttpAnswer } from "../http/exchange.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { webPageIn } from "../http/web-page.ts";

/** The kind of failure; it decides whether a retry can help. */
export type PrefectFailure =
  | "unreachable" // no response; the request may still have taken effect
  | "overloaded" // 429 or 5xx
  | "unauthorized" // 401, 403, UNAUTHENTICATED
  | "locked" // VERSION_LOCKING_ERROR, or "State update failed": somebody else changed the state first
  | "refused" // any other GraphQL or HTTP error
  | "unreadable"; // not JSON

const PASSING: ReadonlySet<PrefectFailure> = new Set(["unreachable", "overloaded", "unreadable"]);

/** The Prefect API cannot be reached, or rejects the request. Exit code 3. */
export class PrefectError extends ExpectedError {
  override readonly exitCode = 3;
  readonly failure: PrefectFailure;
  /** The cause only, without the attempted action. */
  readonly detail: string;

  constructor(action: string, detail: string, more: ErrorDetails & { readonly failure: PrefectFailure }) {
    super(`cannot ${action}: ${detail}`, { ...more, retryable: PASSING.has(more.failure) });
    this.failure = more.failure;
    this.detail = detail;
  }
}

/** An API, and what its errors advise. */
export interface PrefectApi {
  readonly url: string;
  /** To check where its URL is set. */
  readonly address: string;
  /** Where its authorities are set. */
  readonly authorities: string;
  /** To check its key. */
  readonly key: string;
  /** What to do if something else answers. */
  readonly notApi: string;
  readonly notFound?: string;
}

/** The error for an API that does not answer. */
export function unreachableError(action: string, api: PrefectApi, cause: TransportError): PrefectError {
  const detail = `the Prefect API at ${redactUrl(api.url)} cannot be reached: ${cause.message}`;
  const hint = isCertificateError(cause) ? `name the CA's file in ${api.authorities}` : api.address;
  return new PrefectError(action, detail, { failure: "unreachable", cause, hint });
}

/** The error for an answer with an error's status, or with a web page; undefined: it is neither. `words`: the API's own. */
// oxlint-disable-next-line max-params -- what was asked, of whom, and the answer
export function answerError(
  action: string,
  api: PrefectApi,
  answer: HttpAnswer,
  words?: string,
): PrefectError | undefined {
  const { status, headers } = answer;
  const isOutage = status === 429 || status >= 500;
  const page = isOutage ? undefined : webPageIn(answer);
  const shown = words === undefined ? "" : `: ${words}`;
  const found = `answered ${status}${page === undefined ? shown : ` with ${page}`}`;
  if (status === 401 || status === 403)
    return new PrefectError(action, `the API ${found}`, { failure: "unauthorized", hint: api.key });
  // A proxy before the API may answer it with a page, however large it takes a request to be.
  if (page !== undefined && status !== 413) return notPrefectError(action, api, `it ${found}`);
  if (status < 400) return undefined;
  return new PrefectError(action, `the API ${found}`, {
    failure: isOutage ? "overloaded" : "refused",
    retryAfterMs: retryAfterMs(headers),
    hint: status === 404 && words === undefined ? api.notFound : undefined,
  });
}

/** The error for an answer of another form than a Prefect API's. */
export function notPrefectError(action: string, { url, notApi }: PrefectApi, why?: string): PrefectError {
  const what = `${redactUrl(url)} is not a Prefect API${why === undefined ? "" : `: ${why}`}`;
  return new PrefectError(action, what, { failure: "unreadable", hint: notApi });
}
