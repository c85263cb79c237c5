// What goes wrong below HTTP: no connection, no answer, an answer that is none.

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

/** As Node's own, whatever the reason: who aborted knows it. */
export function abortError(signal: AbortSignal | undefined): Error {
  return new DOMException("aborted", { name: "AbortError", cause: signal?.reason });
}

export function noAnswer(timeoutMs: number): TransportError {
  return new TransportError(`no answer within ${timeoutMs / 1_000} s`, { code: "ETIMEDOUT" });
}

export function noByte(idleMs: number): TransportError {
  return new TransportError(`no byte for ${idleMs / 1_000} s`, { code: "ETIMEDOUT" });
}

/** The client was closed on our side. */
export function closedHere(): TransportError {
  return new TransportError("the connection was closed", { code: "ECONNABORTED" });
}

/** Node's error as ours; an abort and our own errors stay what they are. `reused`: over a connection that was kept. */
export function transportError(error: unknown, reused: boolean): unknown {
  if (!(error instanceof Error) || error instanceof TransportError || error.name === "AbortError")
    return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const stale = reused && (code === "ECONNRESET" || code === "EPIPE");
  return new TransportError(messageOf(error, code), { code, staleConnection: stale, cause: error });
}

function messageOf(error: Error, code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "host not found";
    case "ECONNRESET":
    case "EPIPE":
      return "connection closed by the other side";
    case "ETIMEDOUT":
      return "connection timed out";
    default:
      if (code.startsWith("HPE_")) return "the answer is not HTTP";
      // Node's advice about its own options means nothing to whom an executable was given.
      return error.message === ""
        ? code
        : error.message.replace(/; if the root CA is installed locally.*$/s, "");
  }
}
