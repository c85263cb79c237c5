// Reading an HTTP request: the headers that the gateway passes on, and a body up to its limit.

import type { IncomingMessage } from "node:http";

/** Apollo's APOLLO_API_BODY_LIMIT: 5 MB. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** The headers that begin with `x-prefect`: only these reach Prefect's own service. */
export function prefectHeaders(request: IncomingMessage): Record<string, string> {
  const kept = Object.entries(request.headers).filter(([name]) => name.startsWith("x-prefect"));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/** The body as text, or undefined if it is too long. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    // The rest is read and dropped: a client that is still sending would not see a reply.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES) return undefined;
  return Buffer.concat(chunks).toString("utf8");
}
