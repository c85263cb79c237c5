// Ages, compared with kubectl's.

import { describe, expect, it } from "vitest";
import { age } from "../../src/output/age.ts";

/** What kubectl 1.35 printed for objects of this age. */
const ANSWERS: readonly (readonly [number, string])[] = [
  [1, "1s"],
  [31, "31s"],
  [60, "60s"],
  [120, "2m"],
  [124, "2m4s"],
  [181, "3m1s"],
  [313, "5m13s"],
  [600, "10m"],
  [604, "10m"],
  [3600, "60m"],
  [3606, "60m"],
  [10800, "3h"],
  [10804, "3h"],
  [14401, "4h"],
  [14461, "4h1m"],
  [18000, "5h"],
  [28741, "7h59m"],
  [28802, "8h"],
  [86391, "23h"],
  [100001, "27h"],
  [172701, "47h"],
  [172802, "2d"],
  [176401, "2d1h"],
  [300001, "3d11h"],
  [691101, "7d23h"],
  [691202, "8d"],
  [5000001, "57d"],
  [63071991, "729d"],
  [63072002, "2y"],
  [64000001, "2y10d"],
  [100000001, "3y62d"],
  [252287991, "7y364d"],
  [252288002, "8y"],
  [300000001, "9y"],
];

const NOW = new Date("2026-11-21T08:00:00Z");
const secondsBefore = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1_000);

describe("age", () => {
  it.each(ANSWERS)("writes %d seconds as %s, like kubectl", (seconds, answer) => {
    expect(age(secondsBefore(seconds), NOW)).toBe(answer);
  });

  it.each([
    [0.7, "0s"],
    [1.9, "1s"],
    [-1.9, "0s"],
    [-2, "<invalid>"],
    [-600, "<invalid>"],
  ])("writes %d seconds as %s", (seconds, answer) => {
    expect(age(secondsBefore(seconds), NOW)).toBe(answer);
  });

  it("parses Kubernetes timestamps", () => {
    expect(age("2026-11-21T07:54:47Z", NOW)).toBe("5m13s");
  });

  it.each([undefined, null, "", "yesterday"])("prints <unknown> for %j", (then) => {
    expect(age(then, NOW)).toBe("<unknown>");
  });
});
