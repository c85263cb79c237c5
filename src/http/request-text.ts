// A request → its text (RFC 9112).

import { TransportError } from "./errors.ts";
import type { HttpRequest } from "./exchange.ts";

/** What may stand in a field: a line break would begin another one, and of other letters nobody knows the coding. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;

/** The request as it is sent, its body with it. Throws TransportError for headers that cannot be sent. */
export function textOf({ method, url, headers, body }: HttpRequest): string {
  let text = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  for (const [name, given] of Object.entries(headers)) {
    for (const value of typeof given === "string" ? [given] : given) {
      if (!NAME.test(name) || !VALUE.test(value)) throw unsendable(name);
      text += `${name}: ${value}\r\n`;
    }
  }
  if (body === undefined) return method === "GET" ? `${text}\r\n` : `${text}content-length: 0\r\n\r\n`;
  return `${text}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The value is not shown: it may be a token that was read from the wrong file. */
function unsendable(name: string): TransportError {
  const shown = JSON.stringify(name);
  return new TransportError(`the header ${shown} holds what cannot be sent`, { code: "ERR_INVALID_CHAR" });
}
