// What goes wrong below HTTP: no connection, no answer, an answer that is none.

import type { Proxy } from "./proxy.ts";

/** So many kept connections may have been closed. */
const MAX_STALE = 3;

/** The connection failed, or the deadline passed; nothing is known of what the server did. */
export class TransportError extends Error {
  /** Node's code, such as ECONNREFUSED, or ETIMEDOUT for our own deadline. */
  readonly code: string;
  /** The request went over a kept connection that the server had closed meanwhile. */
  readonly staleConnection: boolean;

  constructor(message: string, details: { code: string; staleConnection?: boolean; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.name = "TransportError";
    this.code = details.code;
    this.staleConnection = details.staleConnection ?? false;
  }
}

/** Sends again what went over connections that the server had closed while they were idle; for what is safe to repeat. */
export async function overFreshConnection<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const isStale = error instanceof TransportError && error.staleConnection;
      if (!isStale || attempt >= MAX_STALE) throw error;
    }
  }
}

/** As Node's own, whatever the reason: who aborted knows it. */
export function abortError(signal: AbortSignal | undefined): Error {
  return new DOMException("aborted", { name: "AbortError", cause: signal?.reason });
}

export function noAnswer(timeoutMs: number): TransportError {
  return new TransportError(`no answer within ${timeoutMs / 1_000} s`, { code: "ETIMEDOUT" });
}

const QUIET = "EQUIET";

export function noByte(idleMs: number): TransportError {
  return new TransportError(`no byte for ${idleMs / 1_000} s`, { code: QUIET });
}

/** Whether a stream ended because no byte came: there may have been nothing to send. */
export function isQuiet(error: unknown): boolean {
  return error instanceof TransportError && error.code === QUIET;
}

export function closedHere(): TransportError {
  return new TransportError("the connection was closed", { code: "ECONNABORTED" });
}

export function tooLarge(bytes: number): TransportError {
  return new TransportError(`the answer is larger than ${bytes / 1024 / 1024} MiB`, { code: "EMSGSIZE" });
}

/** The code of all that a proxy does wrong. */
export const PROXY = "EPROXY";

export function proxyRefusal({ name }: Proxy): TransportError {
  const message = `proxy ${name} answered 407: it does not accept the user and password of its URL`;
  return new TransportError(message, { code: PROXY });
}

const OF_PROXY = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ERR_PROXY_TUNNEL"]);

/** Node's error as ours; an abort and our own errors stay what they are. `reused`: over a connection that was kept. */
export function transportError(error: unknown, proxy?: Proxy, reused = false): unknown {
  if (!(error instanceof Error) || error instanceof TransportError || error.name === "AbortError")
    return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // With a proxy, names are looked up and connections are refused only for the proxy itself.
  if (proxy !== undefined && OF_PROXY.has(code)) return proxyError(error, code, proxy);
  const stale = reused && (code === "ECONNRESET" || code === "EPIPE");
  return new TransportError(messageOf(error, code), { code, staleConnection: stale, cause: error });
}

function proxyError(error: Error, code: string, proxy: Proxy): TransportError {
  const status = "statusCode" in error ? String(error.statusCode) : undefined;
  if (status === "407") return proxyRefusal(proxy);
  const cause = status === undefined ? messageOf(error, code) : `it answered ${status}`;
  return new TransportError(`proxy ${proxy.name}: ${cause}`, { code: PROXY });
}

/** Whether the server's certificate is not trusted. An alert is what the server says of ours. */
export function isCertificateError({ code }: TransportError): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code) && !code.includes("_ALERT_");
}

const MESSAGES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "host not found",
  EAI_AGAIN: "host not found",
  ECONNRESET: "connection closed by the other side",
  EPIPE: "connection closed by the other side",
  ETIMEDOUT: "connection timed out",
  EPROTO: "the answer is not TLS: this may be the port of plain http",
  ERR_INVALID_CHAR: "the key or token has a character that no header can hold, such as a line break",
  HPE_HEADER_OVERFLOW: "the headers of the answer are too large",
};

/** By the beginning of a code: llhttp's, zlib's. */
const KINDS: readonly (readonly [string, string])[] = [
  ["HPE_", "the answer is not HTTP"],
  ["Z_", "the answer's compression is broken"],
];

/** OpenSSL's words for what the other side refuses: `ssl3_read_bytes:tlsv13 alert certificate required:…:SSL alert number 116`. */
const ALERT = /:(?:ssl\/tls|sslv3|tlsv1\d?) (?:alert )?([a-z ]+):.*SSL alert number/;

function messageOf(error: Error, code: string): string {
  const [, alert] = ALERT.exec(error.message) ?? [];
  if (alert !== undefined) return `the other side refuses the TLS connection: ${alert}`;
  const known = MESSAGES[code] ?? KINDS.find(([prefix]) => code.startsWith(prefix))?.[1];
  // Node's advice about its own options means nothing to whom an executable was given; node-fetch repeats the URL.
  const words = /^request to \S+ failed, reason: |; if the root CA is installed locally.*$/gs;
  return known ?? (error.message.replace(words, "") || code);
}
