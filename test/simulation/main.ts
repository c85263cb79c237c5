// npm run simulate: plays worlds from seeds, and looks for violations.
//
//   --seeds N [--from S]  N worlds; the simulated hours, their rate, and the violations
//   --seed S              one world; what is broken in it, as a story
//   --seed S --trace      everything that happens in it, equal at each call
//   --planted             the planted faults, and how many seeds it took to find each
//     [--only TEXT]       only those with this text in their names
//   --processes N         how many worlds at once; default: one for each processor
//
// Exit code 1: there was a violation, or a planted fault was not found. 2: the command cannot be read.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { planOf, shrink } from "./draw.ts";
import { PLANTED_FAULTS } from "./planted/faults.ts";
import type { PlantedFault } from "./planted/faults.ts";
import { play } from "./run-plan.ts";
import { storyOf } from "./story.ts";
import { sweep } from "./sweep.ts";
import type { Outcome } from "./worker.ts";

const HOUR_MS = 3_600_000;
const PLANTED_SEEDS = 1_000;
/** How many failing worlds are told as stories. */
const STORIES = 3;

const values = readCommand();
const processes = numberIn("processes");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.planted) process.exitCode = await findPlanted(values.only);
else if (values.seed !== undefined) process.exitCode = await oneWorld(numberIn("seed"), values.trace);
else process.exitCode = await manyWorlds(numberIn("from"), numberIn("seeds"));

function readCommand() {
  try {
    const { values: given } = parseArgs({
      options: {
        seeds: { type: "string", default: "300" },
        from: { type: "string", default: "1" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        planted: { type: "boolean", default: false },
        only: { type: "string", default: "" },
        processes: { type: "string", default: String(availableParallelism()) },
      },
    });
    return given;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function numberIn(option: "processes" | "seed" | "from" | "seeds"): number {
  const text = values[option] ?? "";
  return /^[1-9]\d*$/.test(text) ? Number(text) : refuse(`--${option} is not a number from 1: "${text}"`);
}

function refuse(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(2);
}

async function manyWorlds(from: number, count: number): Promise<number> {
  const startedMs = performance.now();
  let simulatedMs = 0;
  const failed: Outcome[] = [];
  const onOutcome = (outcome: Outcome): boolean => {
    simulatedMs += outcome.simulatedMs;
    const [first] = outcome.violations;
    if (first !== undefined || outcome.error !== undefined) {
      failed.push(outcome);
      print(`seed ${outcome.seed}: ${first === undefined ? outcome.error : `${first.rule}: ${first.text}`}`);
    }
    return false;
  };
  await sweep({ from, count, processes, onOutcome });
  const minutes = (performance.now() - startedMs) / 60_000;
  const hours = simulatedMs / HOUR_MS;
  for (const { seed } of failed.slice(0, STORIES)) await oneWorld(seed, false);
  print(
    `${count} worlds, ${hours.toFixed(0)} simulated hours, ${(hours / minutes).toFixed(0)} hours a minute`,
  );
  print(
    failed.length === 0 ? "no violations" : `${failed.length} worlds with violations: ${seedsOf(failed)}`,
  );
  return failed.length === 0 ? 0 : 1;
}

function seedsOf(failed: readonly Outcome[]): string {
  return failed.map(({ seed }) => seed).join(", ");
}

async function oneWorld(seed: number, isTraced: boolean): Promise<number> {
  const played = await play(planOf(seed), { isTraced });
  const [first] = played.violations;
  if (isTraced) print(played.chronicle.lines().join("\n"));
  else if (first === undefined) print(`seed ${seed}: no violations`);
  else {
    const plan = await shrink(seed, first.rule);
    print(`\n${storyOf(seed, plan, await play(plan))}\n`);
  }
  return first === undefined ? 0 : 1;
}

async function findPlanted(only: string): Promise<number> {
  const faults = PLANTED_FAULTS.filter(({ name }) => name.includes(only));
  if (faults.length === 0) return refuse(`no planted fault has "${only}" in its name`);
  let missed = 0;
  for (const fault of faults) {
    const found = await findOne(fault);
    print(`${found === undefined ? "NOT FOUND" : found.padEnd(30)}  ${fault.name}`);
    if (found === undefined) missed++;
  }
  return missed === 0 ? 0 : 1;
}

/** After how many seeds it was found, and by which rule. */
async function findOne({ name }: PlantedFault): Promise<string | undefined> {
  let seeds = 0;
  let found: string | undefined;
  const onOutcome = ({ violations: [first], error }: Outcome): boolean => {
    seeds++;
    const rule = first?.rule ?? (error === undefined ? undefined : "a crash");
    if (rule !== undefined) found ??= `${String(seeds).padStart(4)} seeds (${rule})`;
    return rule !== undefined;
  };
  await sweep({ from: 1, count: PLANTED_SEEDS, processes, planted: name, onOutcome });
  return found;
}
