// Ids as Prefect and PostgreSQL write them.

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID. A label can hold anything, and one id that is none would fail a whole query. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
