// YAML, compared with `kubectl create --dry-run=client -o yaml`.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { objectText } from "../../src/output/object-text.ts";

describe("objectText in YAML", () => {
  it.each([
    ["true", '"true"'],
    ["yes", '"yes"'],
    ["y", '"y"'],
    ["Off", '"Off"'],
    ["null", '"null"'],
    ["~", '"~"'],
    ["", '""'],
    ["1", '"1"'],
    ["+1", '"+1"'],
    [".5", '".5"'],
    ["1e3", '"1e3"'],
    ["1_000", '"1_000"'],
    ["012", '"012"'],
    ["0o7", '"0o7"'],
    ["0x1f", '"0x1f"'],
    ["1:30", '"1:30"'],
    [".inf", '".inf"'],
    ["2026-11-21", '"2026-11-21"'],
    ["2026-11-21T07:50:01Z", '"2026-11-21T07:50:01Z"'],
    ["500m", "500m"],
    ["e1", "e1"],
    ["it's", "it's"],
    ['say "hi"', 'say "hi"'],
    ["a, b", "a, b"],
    [":x", ":x"],
    ["a: b", "'a: b'"],
    ["a #b", "'a #b'"],
    ["- a", "'- a'"],
    ["-", "'-'"],
    ["*x", "'*x'"],
    ["@x", "'@x'"],
    ["{x}", "'{x}'"],
    ["x:", "'x:'"],
    [" lead", "' lead'"],
    ["trail ", "'trail '"],
    ["tab\there", '"tab\\there"'],
    ["x\r\ny", '"x\\r\\ny"'],
    ["bell\u0007", '"bell\\a"'],
    ["é ü 日本", "é ü 日本"],
    ["multi\nline\n", "|\n  multi\n  line"],
    ["multi\nline", "|-\n  multi\n  line"],
    ["multi\nline\n\n", "|+\n  multi\n  line\n"],
    ["  indented\nmore", "|2-\n    indented\n  more"],
  ])("writes %j as kubectl does", (text, written) => {
    expect(objectText({ k: text }, "yaml")).toBe(`k: ${written}\n`);
  });

  it("does not fold long lines, unlike kubectl", () => {
    const long = "a description that goes on ".repeat(10).trim();
    expect(objectText({ k: long }, "yaml")).toBe(`k: ${long}\n`);
  });

  it("writes blocks without indenting sequences", () => {
    const value = { list: ["a", ["b"], { k: "v", l: [1] }, [], {}], n: 1.5, none: null, gone: undefined };
    expect(objectText(value, "yaml")).toBe(
      'list:\n- a\n- - b\n- k: v\n  l:\n  - 1\n- []\n- {}\n"n": 1.5\nnone: null\n',
    );
  });

  // All were tested with Kubernetes' own parser, which rejects or misreads the first four unescaped.
  it.each([
    ["a\u007Fb", '"a\\u007fb"'],
    ["\u0085", '"\\u0085"'],
    ["\u2028", '"\\u2028"'],
    ["\tx\ny", '"\\tx\\ny"'],
    ["a\n\tb", '"a\\n\\tb"'],
    ["\n", '"\\n"'],
    ["<<", '"<<"'],
    ["=", '"="'],
    ["---", '"---"'],
    ["a\tb\nc", "|-\n  a\tb\n  c"],
  ])("writes %j so that Kubernetes parses it back", (text, written) => {
    const yaml = objectText({ k: text }, "yaml");
    expect(yaml).toBe(`k: ${written}\n`);
    expect(parse(yaml)).toEqual({ k: text });
  });

  it("repeats an object that occurs twice instead of using an alias", () => {
    const shared = { a: 1 };
    expect(objectText({ x: shared, y: shared }, "yaml")).toBe('x:\n  a: 1\n"y":\n  a: 1\n');
  });

  it.each([
    "set -e\nif true; then\n\techo hello, this is long\nfi\n",
    "one line that is long enough to wrap\r\ntwo\r\n",
  ])("keeps a text that is no block in one line, so that a comment may follow: %j", (text) => {
    const written = objectText({ text }, "yaml");
    expect(written.trimEnd().split("\n")).toHaveLength(1);
    expect(parse(written.replace("\n", " # a comment\n"))).toEqual({ text });
  });
});
