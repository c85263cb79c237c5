// UUIDs as text.

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID. A label can hold anything, and one invalid id fails a whole query. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
