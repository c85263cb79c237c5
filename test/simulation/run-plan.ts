// Plays a plan from its beginning to its end.

import type { Chronicle } from "./chronicle.ts";
import { boundedRequests, trueReadiness } from "./invariants/bounds.ts";
import { unsettled } from "./invariants/end.ts";
import {
  builtByItsOwner,
  cleanedUp,
  deletedInItsTime,
  oneJobPerClaim,
  oneLivingJob,
  withinLimit,
} from "./invariants/jobs.ts";
import { noLineTwice, ownLines } from "./invariants/lines.ts";
import { failedForAReason, judgedStates, ownStates } from "./invariants/states.ts";
import type { Plan } from "./plan.ts";
import { PREFECT } from "./scene.ts";
import type { Scene, Violation, Watcher } from "./scene.ts";
import { stage } from "./stage.ts";

const SECOND_MS = 1_000;
const TICK_MS = 10 * SECOND_MS;
const LAZARUS_MS = 600 * SECOND_MS;
const ZOMBIE_KILLER_MS = 120 * SECOND_MS;
/** What must be so in the end is so this long after the last fault, beside what the runs themselves take. */
const SETTLE_MS = 600 * SECOND_MS;
/** What a run takes at most beside its own time: a restart, a task's retry, graces. */
const RUN_EXTRA_S = 120;

const INVARIANTS: readonly ((scene: Scene) => Watcher)[] = [
  oneJobPerClaim,
  oneLivingJob,
  builtByItsOwner,
  withinLimit,
  deletedInItsTime,
  cleanedUp,
  judgedStates,
  ownStates,
  failedForAReason,
  noLineTwice,
  ownLines,
  boundedRequests,
  trueReadiness,
];

export interface Played {
  readonly violations: readonly Violation[];
  readonly chronicle: Chronicle;
  /** How much time passed in the world. */
  readonly simulatedMs: number;
}

/** `isTraced`: every request is in the chronicle. */
export async function play(plan: Plan, { isTraced = false } = {}): Promise<Played> {
  const scene = stage(plan, isTraced);
  const { time } = scene.world;
  const startMs = time.nowMs;
  scene.watchers.push(...INVARIANTS.map((watch) => watch(scene)));
  for (const replica of scene.replicas) replica.start();
  plan.runs.forEach((run, at) => time.after(run.atS * SECOND_MS, () => scene.addRun(run, `run ${at}`)));
  for (const act of plan.acts) time.after(act.atS * SECOND_MS, () => scene.acts.begin(act));
  every(scene, TICK_MS, () => scene.tick());
  every(scene, LAZARUS_MS, () =>
    scene.as(PREFECT, () => scene.world.prefects.forEach((prefect) => prefect.lazarus())),
  );
  every(scene, ZOMBIE_KILLER_MS, () =>
    scene.as(PREFECT, () => scene.world.prefects.forEach((prefect) => prefect.zombieKiller())),
  );
  await time.pass(lastChangeS(plan) * SECOND_MS);
  const limitMs = SETTLE_MS + workS(plan) * SECOND_MS;
  for (let waitedMs = 0; unsettled(scene).length > 0 && waitedMs < limitMs; waitedMs += TICK_MS)
    await time.pass(TICK_MS);
  for (const text of unsettled(scene))
    scene.violated("in the end every run is where it belongs, and nothing is left over", text);
  scene.world.close();
  return { violations: scene.violations, chronicle: scene.chronicle, simulatedMs: time.nowMs - startMs };
}

function every(scene: Scene, ms: number, run: () => void): void {
  scene.world.time.after(ms, () => {
    run();
    every(scene, ms, run);
  });
}

/** When the last fault has ended and the last run is due. */
function lastChangeS({ acts, runs }: Plan): number {
  return Math.max(...acts.map(({ atS, forS }) => atS + forS), ...runs.map(({ atS, dueInS }) => atS + dueInS));
}

/** How long all the runs take at most, one after another where there is a limit. */
function workS({ runs, agents }: Plan): number {
  const each = runs.map(({ startS, runS }) => 3 * startS + 2 * runS + RUN_EXTRA_S);
  const isLimited = agents.some(({ limit }) => limit !== undefined);
  return isLimited ? each.reduce((sum, s) => sum + s, 0) : Math.max(...each);
}
