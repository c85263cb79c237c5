// Recognises the answer of something that is no API: an access proxy that redirects to its login, a UI, a portal, a TLS port.

import type { HttpAnswer } from "./exchange.ts";

/** How servers answer plain http on the port of https: Go's, nginx, Apache. */
const WANTS_TLS =
  /HTTP request (?:to an HTTPS server|was sent to HTTPS port)|speaking plain HTTP to an SSL-enabled/i;

/** What the answer is, if it is a redirect or a web page: `a redirect to https://login.example.com/, perhaps a page to sign in`. */
export function webPageIn({ status, headers, body }: HttpAnswer): string | undefined {
  const { location } = headers;
  if (status >= 300 && status < 400 && location !== undefined) {
    // Without its query, in which states and tokens stand.
    const place = location.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//");
    return `a redirect to ${place}, perhaps a page to sign in`;
  }
  if (status === 400 && WANTS_TLS.test(body)) return "a demand for TLS: the URL must begin with https://";
  // Servers also send plain texts as text/html.
  const isPage = isWebPage(body) || (hasHtmlType(headers) && body.trimStart().startsWith("<"));
  return isPage ? "a web page, perhaps one to sign in" : undefined;
}

/** Whether the text begins as HTML does. */
export function isWebPage(text: string): boolean {
  return /^\s*<(?:!doctype html|html)\b/i.test(text.slice(0, 500));
}

export function hasHtmlType({ "content-type": type = "" }: HttpAnswer["headers"]): boolean {
  return /^text\/html\b/i.test(type);
}
