// A list in pages, for requests that take only so many items.

/** The items in their order, in pages of at most `size`; no page for no items. */
export function pagesOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
