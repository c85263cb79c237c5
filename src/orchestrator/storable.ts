// Text as Prefect's database takes it.

/** The text with U+FFFD for each U+0000, which Postgres refuses, and for each half of a surrogate pair, which is no Unicode. */
export function storable(text: string): string {
  return text.replaceAll("\u0000", "\uFFFD").toWellFormed();
}
