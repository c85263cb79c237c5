import { describe, expect, it } from "vitest";
import { parseQuantity } from "../../src/base/quantity.ts";

describe("parseQuantity", () => {
  it.each([
    { text: "0", number: 0 },
    { text: "1", number: 1 },
    { text: "100m", number: 0.1 },
    { text: "1500u", number: 0.0015 },
    { text: "3n", number: 3e-9 },
    { text: "0.5", number: 0.5 },
    { text: ".5", number: 0.5 },
    { text: "5.", number: 5 },
    { text: "+2", number: 2 },
    { text: "-2k", number: -2_000 },
    { text: "4G", number: 4_000_000_000 },
    { text: "512Mi", number: 536_870_912 },
    { text: "1.5Gi", number: 1_610_612_736 },
    { text: "128974848", number: 128_974_848 },
    { text: "129e6", number: 129_000_000 },
    { text: "1E3", number: 1_000 },
    { text: "1E", number: 1e18 },
    { text: "12e-1", number: 1.2 },
    { text: " 1Ki ", number: 1_024 },
  ])("reads $text as $number", ({ text, number }) => {
    expect(parseQuantity(text)).toBe(number);
  });

  it.each(["", "abc", "1 Gi", "1gi", "1GB", "1K", "Mi", "1e", "--1", "1.2.3", ".", "0x10", "NaN", "1,5"])(
    "has no number for %j",
    (text) => {
      expect(parseQuantity(text)).toBeUndefined();
    },
  );
});
