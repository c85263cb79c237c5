// What the two APIs' clients ask of HTTP, and what they get.

import type { Agent, IncomingHttpHeaders } from "node:http";
import type { Env } from "../base/env.ts";

export interface TlsOptions {
  readonly ca?: string | Buffer | readonly string[] | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface ConnectionOptions {
  readonly tls?: TlsOptions | undefined;
  /** The variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as far as they shall count. */
  readonly proxyEnv?: Env | undefined;
  /** Connections at once. */
  readonly maxSockets?: number | undefined;
  /** An agent made elsewhere (SOCKS proxies), in place of our own. */
  readonly agent?: Agent | undefined;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | undefined;
  /** Milliseconds until the whole answer must be there; for a stream: until its headers. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
  /** For whoever does not read it: the connection ends. */
  close(): void;
}
