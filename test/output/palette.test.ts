import { describe, expect, it } from "vitest";
import { paintFor, plain, styleFor, toneOf } from "../../src/output/palette.ts";

describe("paintFor", () => {
  it.each([
    { mode: "auto", isTerminal: true, env: {}, wanted: true },
    { mode: "auto", isTerminal: false, env: {}, wanted: false },
    { mode: "auto", isTerminal: true, env: { NO_COLOR: "1" }, wanted: false },
    { mode: "auto", isTerminal: true, env: { NO_COLOR: "" }, wanted: true },
    { mode: "auto", isTerminal: true, env: { TERM: "dumb" }, wanted: false },
    { mode: "auto", isTerminal: false, env: { FORCE_COLOR: "1" }, wanted: true },
    { mode: "auto", isTerminal: false, env: { FORCE_COLOR: "" }, wanted: false },
    { mode: "auto", isTerminal: true, env: { FORCE_COLOR: "0" }, wanted: false },
    { mode: "auto", isTerminal: true, env: { FORCE_COLOR: "false" }, wanted: false },
    { mode: "auto", isTerminal: true, env: { FORCE_COLOR: "1", NO_COLOR: "1" }, wanted: false },
    { mode: "always", isTerminal: false, env: { NO_COLOR: "1", TERM: "dumb" }, wanted: true },
    { mode: "never", isTerminal: true, env: { FORCE_COLOR: "1" }, wanted: false },
  ] as const)(
    "is $wanted for --color $mode, terminal $isTerminal, $env",
    async ({ mode, isTerminal, env, wanted }) => {
      const paint = await paintFor(mode, { isTTY: isTerminal }, env);
      expect(paint("bad", "x") !== "x").toBe(wanted);
    },
  );

  it("colours by meaning on a terminal", async () => {
    const paint = await paintFor("auto", { isTTY: true }, {});
    const painted = (["good", "bad", "stale", "quiet"] as const).map((tone) => paint(tone, "x"));
    expect(painted).toEqual([
      "\u001B[32mx\u001B[39m",
      "\u001B[31mx\u001B[39m",
      "\u001B[33mx\u001B[39m",
      "\u001B[2mx\u001B[22m",
    ]);
  });

  it("does not colour in a pipe", async () => {
    expect(await paintFor("auto", {}, {})).toBe(plain);
    expect(plain("bad", "x")).toBe("x");
  });

  it("rejects any other word", async () => {
    await expect(paintFor("yes", {}, {})).rejects.toThrow('cannot read --color "yes": not a colour mode');
  });
});

describe("styleFor", () => {
  it.each([
    [true, {}, { width: 100, ascii: false }],
    [true, { TERM: "dumb" }, { width: 100, ascii: true }],
    [undefined, {}, { width: undefined, ascii: true }],
  ])("of a terminal: %s, %j", async (isTTY, env, want) => {
    const style = await styleFor("never", { isTTY, columns: 100, write: () => true }, env);
    expect(style).toMatchObject(want);
  });
});

describe("toneOf", () => {
  it.each([
    ["active", "good"],
    ["Success", "good"],
    ["failed", "bad"],
    ["stuck", "stale"],
    ["pending", "quiet"],
    ["Cancelled", "quiet"],
  ])("gives %s the tone %s", (word, tone) => {
    expect(toneOf(word)).toBe(tone);
  });
});
