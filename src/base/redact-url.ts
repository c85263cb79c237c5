// Addresses as they may be shown: what stands before `@` can hold a password.

/** The address without user and password; also where it is none. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, "$1//");
}
