// Worlds in which the simulator found a fault, shrunk: they stay without a violation.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Plan } from "./plan.ts";
import { play } from "./run-plan.ts";

const FOLDER = join(import.meta.dirname, "seeds");

it.each(readdirSync(FOLDER))("%s", async (file) => {
  const plan = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Plan;
  const { violations } = await play(plan);
  expect(violations.map(({ rule, text }) => `${rule}: ${text}`)).toEqual([]);
});
