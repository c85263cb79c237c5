// The port that both APIs' clients send through. `HttpClient` implements it with sockets; a simulation without.

import type { IncomingHttpHeaders } from "node:http";
import type { Proxy } from "./proxy.ts";

/** All calls throw TransportError, and the signal's reason as an AbortError. */
export interface Http {
  /** The whole answer as text, whatever its status. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Resolves with the headers; the chunks come later, and throw when the stream breaks. */
  stream(request: StreamRequest): Promise<HttpStream>;
  close(): void;
}

export interface TlsOptions {
  readonly ca?: string | readonly string[] | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface ConnectionOptions {
  readonly tls?: TlsOptions | undefined;
  readonly proxy?: Proxy | undefined;
  /** Maximum number of connections for requests; a stream has a connection of its own besides. */
  readonly maxSockets?: number | undefined;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | undefined;
  /** Milliseconds until the whole answer must be there; for a stream: until its headers. Infinity: no limit. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamRequest extends HttpRequest {
  /** Milliseconds without a byte after which the stream breaks; 0: never. */
  readonly idleMs: number;
  /** `timeoutMs` is for the whole body, too. */
  readonly limitsBody?: boolean | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpStream extends Omit<HttpAnswer, "body"> {
  readonly chunks: AsyncIterable<Buffer>;
  /** Ends the connection, for a caller that does not read the chunks. */
  close(): void;
}
