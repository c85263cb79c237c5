// URLs without passwords.

/** The URL without user and password, for messages. Accepts any text. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, "$1//");
}
