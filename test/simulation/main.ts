// npm run simulate: plays worlds from seeds, and looks for violations.

import fc from "fast-check";
import { plans } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { play } from "./run-plan.ts";

export function planOf(seed: number): Plan {
  const [plan] = fc.sample(plans, { seed, numRuns: 1 });
  if (plan === undefined) throw new Error("fast-check drew nothing");
  return plan;
}

const from = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
const t = performance.now();
let ms = 0;
const rules = new Map<string, number[]>();
for (let seed = from; seed < from + count; seed++) {
  const played = await play(planOf(seed));
  ms += played.simulatedMs;
  const [first] = played.violations;
  if (first !== undefined) {
    const key = first.rule;
    rules.set(key, [...(rules.get(key) ?? []), seed]);
    if (count > 1 && (rules.get(key)?.length ?? 0) <= 3) console.log(seed, first.rule, first.text);
  }
  if (count === 1) {
    console.log(planOf(seed).agents, planOf(seed).flavour);
    console.log(played.chronicle.lines().join("\n"));
    if (process.argv[4] !== undefined) for (const line of played.logs()) if (line.includes(process.argv[4])) console.log(line);
  }
}
for (const [rule, seeds] of rules) console.log(seeds.length, rule, seeds.slice(0, 12).join());
console.log(`${(ms / 3_600_000).toFixed(1)} h in ${((performance.now() - t) / 1000).toFixed(1)} s`);
