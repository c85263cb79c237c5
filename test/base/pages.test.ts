// A list in pages.

import { expect, it } from "vitest";
import { pagesOf } from "../../src/base/pages.ts";

it.each([
  { items: [], want: [] },
  { items: [1], want: [[1]] },
  { items: [1, 2], want: [[1, 2]] },
  { items: [1, 2, 3, 4, 5], want: [[1, 2], [3, 4], [5]] },
])("$items are in pages of two: $want", ({ items, want }) => {
  expect(pagesOf(items, 2)).toEqual(want);
});
