import { describe, expect, it } from "vitest";
import { shellWord } from "../../src/base/shell-word.ts";

describe("a word of a shell command", () => {
  it.each([
    { word: "flows", want: "flows" },
    { word: "arn:aws:eks:eu-west-1:1:cluster/a", want: "arn:aws:eks:eu-west-1:1:cluster/a" },
    { word: "two words", want: "'two words'" },
    { word: "$(reboot)", want: "'$(reboot)'" },
    { word: "it's", want: String.raw`'it'\''s'` },
    { word: "", want: "''" },
  ])("is $want for $word", ({ word, want }) => {
    expect(shellWord(word)).toBe(want);
  });
});
