// UUIDs as PostgreSQL reads them: any case, dashes optional; stored in lower case with dashes.

const UUID = /^\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/i;

/** The stored form, or undefined if the text is no UUID. */
export function storedUuid(text: unknown): string | undefined {
  const found = typeof text === "string" ? UUID.exec(text) : null;
  return found === null ? undefined : found.slice(1).join("-").toLowerCase();
}
