// The Retry-After header.

import type { IncomingHttpHeaders } from "node:http";

/** No server keeps a client waiting for longer than this. */
const MAX_MS = 5 * 60_000;

/**
 * Milliseconds to wait, at most five minutes, from a number of seconds or from an HTTP date, which is compared with the server's
 * own Date. Undefined without a usable header.
 */
export function retryAfterMs(headers: Pick<IncomingHttpHeaders, "retry-after" | "date">): number | undefined {
  const { "retry-after": value = "", date = "" } = headers;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.parse(date) : seconds * 1_000;
  return ms > 0 ? Math.min(ms, MAX_MS) : undefined;
}
