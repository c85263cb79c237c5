// What the fake sends back: a whole answer, or a stream that writes itself.

import type { ServerResponse } from "node:http";
import type { Failure } from "./failure.ts";

/** An answer that is sent at once. */
export interface Whole {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: a watch, a followed log. It is told when the client leaves. */
export interface Streamed {
  readonly status: 200;
  readonly start: (response: ServerResponse) => void;
}

/** What a request is answered with. */
export type Answer = Whole | Streamed;

/** JSON as the server sends it: with a line feed at the end. */
export function json(status: number, body: string): Whole {
  return { status, body: `${body}\n`, contentType: "application/json" };
}

/** Plain text: health, and paths that nobody knows. */
export function plain(status: number, body: string): Whole {
  return { status, body, contentType: "text/plain; charset=utf-8" };
}

/** The answer that tells of a refusal. */
export function refused(failure: Failure): Whole {
  const after = failure.retryAfterSeconds;
  const headers = after === undefined ? {} : { "retry-after": String(after) };
  return { ...json(failure.code, JSON.stringify(failure.body)), headers };
}

/** Sends an answer. */
export function send(response: ServerResponse, answer: Answer): void {
  if ("start" in answer) {
    answer.start(response);
    return;
  }
  const { status, body, contentType, headers } = answer;
  const type =
    status === 204 ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...type, ...headers });
  response.end(status === 204 ? undefined : body);
}
