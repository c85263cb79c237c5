// Values as Python 3 writes them; the expected ones are the output of python3.

import { describe, expect, it } from "vitest";
import { pythonList } from "../../src/base/python-repr.ts";
import { pythonJson, pythonSortedSet } from "../../src/install/python.ts";

describe("pythonList", () => {
  it.each([
    { texts: [], want: "[]" },
    { texts: ["a", "b"], want: "['a', 'b']" },
    { texts: ["it's"], want: `["it's"]` },
    { texts: ['b"c'], want: `['b"c']` },
    { texts: [`a'b"c`], want: `['a\\'b"c']` },
    { texts: ["d\\e"], want: "['d\\\\e']" },
    { texts: ["a\tb\nc\rd"], want: "['a\\tb\\nc\\rd']" },
    { texts: ["\u0000\u007f\u00a0"], want: "['\\x00\\x7f\\xa0']" },
    { texts: ["\u200b\u2028\u3000"], want: "['\\u200b\\u2028\\u3000']" },
    { texts: ["\u{e0001}"], want: "['\\U000e0001']" },
    { texts: ["é", "漢", "😀"], want: "['é', '漢', '😀']" },
  ])("writes $want", ({ texts, want }) => {
    expect(pythonList(texts)).toBe(want);
  });
});

describe("pythonJson", () => {
  it("escapes what is not ASCII and separates as json.dumps does", () => {
    const entries = new Map([
      ["A", "1"],
      ["B", "é😀\u007f\u001f"],
    ]);
    expect(pythonJson(entries)).toBe(String.raw`{"A": "1", "B": "\u00e9\ud83d\ude00\u007f\u001f"}`);
  });
});

describe("pythonSortedSet", () => {
  it("sorts by code points, prefixes first, and drops repetitions", () => {
    expect(pythonSortedSet(["😀", "\ue000", "ab", "a", "B", "a"])).toEqual(["B", "a", "ab", "\ue000", "😀"]);
  });
});
