// UUIDs as text.

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Whether the text is a UUID as Prefect writes it, in lower case. A label can hold anything: one invalid id fails a whole query, and
 * one in upper case would be looked up in vain among the answers.
 */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
