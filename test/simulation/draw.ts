// From a seed to a plan, and from a plan with a violation to the smallest one with the same.

import * as fc from "fast-check";
import { plans } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { play } from "./run-plan.ts";

/** How many smaller worlds are tried. */
const TRIES = 200;

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const [plan] = fc.sample(plans, { seed, numRuns: 1 });
  if (plan === undefined) throw new Error(`cannot draw a world from seed ${seed}`);
  return plan;
}

/** The smallest plan found that breaks this rule; the seed's own if none is smaller. */
export async function shrink(seed: number, rule: string): Promise<Plan> {
  let smallest = planOf(seed);
  let tries = 0;
  const property = fc.asyncProperty(plans, async (plan) => {
    if (tries++ >= TRIES) return true;
    const { violations } = await play(plan);
    const isBroken = violations.some((violation) => violation.rule === rule);
    if (isBroken) smallest = plan;
    return !isBroken;
  });
  await fc.check(property, { seed, numRuns: 1 });
  return smallest;
}
