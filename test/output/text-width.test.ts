import { describe, expect, it } from "vitest";
import { asCell, cutMiddle, cutToWidth, displayWidth } from "../../src/output/text-width.ts";

describe("displayWidth", () => {
  it.each([
    ["", 0],
    ["plain", 5],
    ["größe", 5],
    ["e\u0301", 1],
    ["日本語", 6],
    ["ｆｕｌｌ", 8],
    ["한글", 4],
    // Terminals count characters, but those that only change another one.
    ["ﾊﾟ", 2],
    ["กำ", 2],
    ["각", 2],
    ["\u1100\u1161\u11A8", 2],
    ["🇩🇪", 2],
    ["😀", 2],
    ["👨‍👩‍👧", 2],
    ["✔", 1],
    ["├─ └─", 5],
    ["\u001B[31mred\u001B[0m", 3],
    ["\u001B]8;;http://x\u0007link\u001B]8;;\u0007", 4],
  ])("measures %j as %d columns", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe("cutToWidth", () => {
  it.each([
    ["short", 5, "short"],
    ["longer", 5, "long…"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["any", 1, "…"],
    ["any", 0, ""],
    ["\u001B[31mred text\u001B[39m", 4, "\u001B[31mred…\u001B[0m"],
    ["\u001B[31mred\u001B[39m", 3, "\u001B[31mred\u001B[39m"],
  ])("cuts %j to %d columns", (text, width, cut) => {
    expect(cutToWidth(text, width)).toBe(cut);
  });
});

describe("cutMiddle", () => {
  it.each([
    ["short", 5, "short"],
    ["prefect-job-665904cb", 12, "prefec…904cb"],
    ["abcdef", 5, "ab…ef"],
    ["abcdef", 1, "…"],
    ["日本語です", 7, "日…です"],
  ])("shortens %j to %d columns", (text, width, cut) => {
    expect(cutMiddle(text, width)).toBe(cut);
  });
});

describe("asCell", () => {
  it.each([
    ["as it is", "as it is"],
    ["first\nsecond", "first..."],
    ["first\r\nsecond", "first..."],
    ["a\tb", "a b"],
    ["\u001B[2J", "^[[2J"],
    ["\u007F\u009B", "^?<U+009B>"],
  ])("turns %j into %j", (text, cell) => {
    expect(asCell(text)).toBe(cell);
  });
});
