// Ages, held against those of the API server.

import { describe, expect, it } from "vitest";
import { age } from "../../src/output/age.ts";
import { ageAnswers } from "./kubectl-answers.ts";

const NOW = new Date("2026-11-21T08:00:00Z");
const secondsBefore = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1_000);

describe("age", () => {
  it.each(ageAnswers)("writes %d seconds as %s, like kubectl", (seconds, answer) => {
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

  it("reads the text that Kubernetes writes", () => {
    expect(age("2026-11-21T07:54:47Z", NOW)).toBe("5m13s");
  });

  it.each([undefined, null, "", "yesterday"])("does not know the age of %j", (then) => {
    expect(age(then, NOW)).toBe("<unknown>");
  });
});
