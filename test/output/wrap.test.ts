import { describe, expect, it } from "vitest";
import { besides, hanging, messageLines, paragraphsOf, wrapped } from "../../src/output/wrap.ts";

describe("wrapped", () => {
  it.each([
    { text: "one two three", indent: 0, width: 7, want: ["one two", "three"] },
    { text: "one two three", indent: 2, width: 7, want: ["  one", "  two", "  three"] },
    { text: "日本 語", indent: 0, width: 6, want: ["日本", "語"] },
    { text: "abcdef gh", indent: 0, width: 5, want: ["abcde", "f gh"] },
    { text: " one\n  two ", indent: 0, width: 80, want: ["one two"] },
    { text: "", indent: 4, width: 80, want: [] },
  ])("sets $text within $width columns", ({ text, indent, width, want }) => {
    expect(wrapped(text, indent, width)).toEqual(want);
  });

  it("breaks only a word that is longer than a line", () => {
    expect(wrapped("an image registry.example/flows", 2, 12)).toEqual([
      "  an image",
      "  registry.e",
      "  xample/flo",
      "  ws",
    ]);
  });
});

it("breaks between characters that are wider than the line", () => {
  expect(wrapped("日本 a", 0, 1)).toEqual(["日", "本", "a"]);
  expect(wrapped("x".repeat(1_000_000), 0, 1)).toHaveLength(1_000_000);
});

describe("hanging", () => {
  it("indents all lines but the first by two more", () => {
    expect(hanging("one two three", 2, 9)).toEqual(["  one", "    two", "    three"]);
  });

  it("keeps one line without a terminal", () => {
    expect(hanging("one two three", 2, undefined)).toEqual(["  one two three"]);
  });
});

describe("besides", () => {
  it("sets the description in a column of its own", () => {
    expect(besides(["  --a", "first second"], 8, 15)).toEqual(["  --a   first", "        second"]);
  });

  it("gives a long term its own line", () => {
    expect(besides(["  --a-long-flag", "first"], 8, 20)).toEqual(["  --a-long-flag", "        first"]);
  });
});

describe("paragraphsOf", () => {
  it("joins the lines of each paragraph", () => {
    expect(paragraphsOf("\n  one\n  two\n\n  three\n")).toEqual(["one two", "three"]);
  });
});

describe("messageLines", () => {
  it.each([
    { text: "one two three", width: undefined, want: ["one two three"] },
    { text: "one two three", width: 13, want: ["one two three"] },
    { text: "one two three", width: 9, want: ["one two", "  three"] },
    {
      text: "do it with: kubectl create namespace flows; or choose another",
      width: 20,
      want: ["do it with:", "  kubectl create namespace flows;", "  or choose another"],
    },
    {
      text: "with: kubectl prefect install -n x | kubectl apply -f -",
      width: 30,
      want: ["with:", "  kubectl prefect install -n x", "  | kubectl apply -f -"],
    },
  ])("wraps $text at $width, and breaks no command", ({ text, width, want }) => {
    expect(messageLines(text, width)).toEqual(want);
  });
});
