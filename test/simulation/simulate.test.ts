// The simulator itself: one seed is one world, and each fault can be planted; that they are found: npm run simulate -- --planted.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planOf } from "./draw.ts";
import { planted } from "./planted/planted.ts";
import { PLANTED_FAULTS } from "./planted/faults.ts";
import { play } from "./run-plan.ts";
import { storyOf } from "./story.ts";

const SEED = 25;

describe("a seed", () => {
  it("gives the same trace at each call", async () => {
    const [one, other] = [
      await play(planOf(SEED), { isTraced: true }),
      await play(planOf(SEED), { isTraced: true }),
    ];
    expect(one.chronicle.lines().length).toBeGreaterThan(1_000);
    expect(other.chronicle.lines()).toEqual(one.chronicle.lines());
  });

  it("is told as a story that ends with the command that repeats it", async () => {
    const plan = planOf(SEED);
    const story = storyOf(SEED, plan, await play(plan)).split("\n");
    expect(story[0]).toMatch(/^Seed 25, shrunk: Prefect is /);
    expect(story.find((line) => line.includes("creates Job"))).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3}  agent \d[ab]/,
    );
    expect(story.at(-1)).toContain("npm run simulate -- --seed 25");
  });
});

describe("planted faults", () => {
  const source = (file: string): string => readFileSync(join(import.meta.dirname, "../../src", file), "utf8");

  it.each(PLANTED_FAULTS)("can be planted: $name", (fault) => {
    const text = source(fault.file);
    expect(planted(fault, text)).not.toBe(text);
  });

  it("have a name each, by which one can be chosen", () => {
    expect(new Set(PLANTED_FAULTS.map(({ name }) => name)).size).toBe(PLANTED_FAULTS.length);
  });
});
