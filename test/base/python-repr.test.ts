import { describe, expect, it } from "vitest";
import { pythonList } from "../../src/base/python-repr.ts";

describe("pythonList", () => {
  it.each([
    { items: [], want: "[]" },
    { items: ["a", "b"], want: "['a', 'b']" },
    { items: ["it's"], want: `["it's"]` },
    { items: ['b"c'], want: `['b"c']` },
    { items: [`a'b"c`], want: `['a\\'b"c']` },
    { items: ["d\\e"], want: "['d\\\\e']" },
    { items: ["\n\r\t"], want: "['\\n\\r\\t']" },
    { items: ["é", "日本", "🎉"], want: "['é', '日本', '🎉']" },
    { items: ["a b"], want: "['a b']" },
    { items: ["\u0000\u001b\u007f"], want: "['\\x00\\x1b\\x7f']" },
    { items: ["\u00a0\u200b\u2028"], want: "['\\xa0\\u200b\\u2028']" },
    { items: ["\u{e0001}"], want: "['\\U000e0001']" },
    { items: ["\ud800"], want: "['\\ud800']" },
  ])("prints $items as Python does", ({ items, want }) => {
    expect(pythonList(items)).toBe(want);
  });
});
