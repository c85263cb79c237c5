import { describe, expect, it } from "vitest";
import { listed } from "../../src/cleanup/wait.ts";

describe("what is waited for", () => {
  it.each([
    { names: ["a"], text: "a" },
    { names: ["a", "b"], text: "a and b" },
    { names: ["a", "b", "c"], text: "a, b and 1 more" },
    { names: ["a", "b", "c", "d"], text: "a, b and 2 more" },
  ])("is named as $text", ({ names, text }) => {
    expect(listed(names)).toBe(text);
  });
});
