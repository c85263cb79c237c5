// URLs without passwords.

/** The URL without user and password, for messages. Accepts any text: of one that is no URL nothing before the last @ stays. */
export function redactUrl(url: string): string {
  const start = /^[a-z][a-z0-9+.-]*:\/\/|^\/\//i.exec(url)?.[0] ?? "";
  const rest = url.slice(start.length);
  const isUrl = start !== "" && URL.canParse(url);
  return start + (isUrl ? rest.replace(/^[^/?#]*@/, "") : rest.replace(/^.*@/s, ""));
}
