import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/base/json.ts";

describe("parseJson", () => {
  it.each([
    ['{"a": 12345678901234567890}', { a: "12345678901234567890" }],
    ["[1, -9007199254740993]", [1, "-9007199254740993"]],
    ["9007199254740991", 9007199254740991],
    ["[1e400]", ["1e400"]],
    ['{"a": 1.5E+300}', { a: "1.5E+300" }],
    ['{"id": "1234567890123456789", "b": "1e999"}', { id: "1234567890123456789", b: "1e999" }],
    [
      '{"env": {"A": 3.10, "B": 1e3, "C": -0.50}, "D": 3.10}',
      { env: { A: "3.10", B: "1e3", C: "-0.50" }, D: 3.1 },
    ],
    ['{"at": "10:00:30.120", "env": {"A": 1.5}}', { at: "10:00:30.120", env: { A: 1.5 } }],
    ["[0.1234567890123456789, 15, 1e3]", [0.12345678901234568, 15, 1000]],
  ])("reads %s without losing digits of whole numbers, or the spelling of variables", (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it("throws for what is no JSON", () => {
    expect(() => parseJson("{")).toThrow(SyntaxError);
  });
});
