// Soak: very many flow runs through one agent process on the fakes; what it needs of memory must not grow.
// npm run soak -- [--runs 50000] [--open 300] [--seed 7]

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startFakePrefect1 } from "../test/fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../test/fakes/prefect1/fake-prefect1.ts";
import { isFinished } from "../src/prefect1/states.ts";
import { fakeCluster } from "./chaos/cluster.ts";
import type { ChaosCluster } from "./chaos/cluster.ts";
import { chooseFate, fateNamed } from "./chaos/outcome.ts";
import { Memory } from "./chaos/memory.ts";
import { seeded } from "./chaos/random.ts";
import { SoakedAgent } from "./soak/agent.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50000" },
    /** Flow runs that are not over, at most. */
    open: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
  },
});
const [runs, open, seed] = [values.runs, values.open, values.seed].map(Number) as [number, number, number];
/** How many samples there are in all. */
const SAMPLES = 100;
const LOOK_MS = 20;
const SETTLE_MS = 120_000;
/** A soak in which nothing ends for so long has failed. */
const STALL_MS = 120_000;
const MIB = 1_048_576;

/** What came of the runs so far; the fake forgets the oldest, so it is counted when it happens. */
interface Tally {
  made: number;
  over: number;
  /** When the last one was over. */
  lastAtMs: number;
  readonly wrong: string[];
  readonly ends: Map<string, number>;
}

async function main(): Promise<number> {
  const prefect = await startFakePrefect1({ keepFinished: 5_000, keepRequests: 100 });
  const cluster = await fakeCluster(prefect);
  const folder = mkdtempSync(join(tmpdir(), "soak-"));
  const logFile = join(folder, "agent.log");
  const agent = new SoakedAgent({ kubeconfig: cluster.kubeconfig, api: prefect.url, logFile });
  console.log(`soak: ${runs} flow runs, ${open} at once, seed ${seed}; the agent's log is ${logFile}`);
  try {
    return await underway(prefect, cluster, agent);
  } finally {
    await agent.stop();
    await cluster.stop();
    await prefect.stop();
  }
}

async function underway(prefect: FakePrefect1, cluster: ChaosCluster, agent: SoakedAgent): Promise<number> {
  const countsText = follow(prefect);
  const random = seeded(seed);
  const flow = prefect.createFlow({ name: "soak" });
  const [heap, resident] = [new Memory(), new Memory()];
  const begun = performance.now();
  while (countsText.over < runs && performance.now() - countsText.lastAtMs < STALL_MS) {
    while (countsText.made < runs && countsText.made - countsText.over < open) {
      const name = `${chooseFate(random).name}-${countsText.made++}`;
      prefect.createFlowRun({ flow, name, runConfig: { type: "KubernetesRun", image: "flow" } });
    }
    if (countsText.over >= (heap.samples.length * runs) / SAMPLES) {
      const needs = await agent.needs();
      heap.add(needs.heap / MIB);
      resident.add(needs.resident / MIB);
      if (heap.samples.length % 10 === 0) console.log(progress(countsText, heap, resident));
    }
    await sleep(LOOK_MS);
  }
  const seconds = (performance.now() - begun) / 1_000;
  const until = performance.now() + SETTLE_MS;
  while (cluster.jobsLeft() > 0 && performance.now() < until) await sleep(100);
  const { cpuMs } = await agent.needs();
  const code = await agent.stop();
  const broken = [
    ...countsText.wrong,
    ...(countsText.over === runs ? [] : [`only ${countsText.over} of ${runs} flow runs came to their end`]),
    ...(heap.grew ? [`the heap grew: ${heap.toString()}`] : []),
    ...(resident.grew ? [`resident memory grew: ${resident.toString()}`] : []),
    ...(cluster.made.size === runs ? [] : [`${cluster.made.size} Jobs were made`]),
    ...(cluster.jobsLeft() === 0 ? [] : [`${cluster.jobsLeft()} Jobs are left`]),
    ...(code === 0 ? [] : [`the agent ended with exit code ${code}`]),
  ];
  const ends = [...countsText.ends].map(([state, count]) => `${count} ${state}`).join(", ");
  console.log(
    `${countsText.over} flow runs in ${seconds.toFixed(0)} s: ${ends}; ${cluster.made.size} Jobs made`,
  );
  console.log(`heap after collection: ${heap.toString()}; resident: ${resident.toString()}`);
  console.log(`${(cpuMs / runs).toFixed(2)} ms of the agent's processor time for each run`);
  for (const line of broken) console.log(`BROKEN: ${line}`);
  console.log(
    broken.length === 0 ? "memory is flat" : `${broken.length} promises were broken (seed ${seed})`,
  );
  return broken.length === 0 ? 0 : 1;
}

function progress(countsText: Tally, heap: Memory, resident: Memory): string {
  const now = (memory: Memory): string => (memory.samples.at(-1) ?? 0).toFixed(1);
  return `${countsText.over} over: heap ${now(heap)} MiB, resident ${now(resident)} MiB`;
}

/** Counts each run once, when it is over, and holds its end against its fate. */
function follow(prefect: FakePrefect1): Tally {
  const countsText: Tally = { made: 0, over: 0, lastAtMs: performance.now(), wrong: [], ends: new Map() };
  const { flow_run: table } = prefect.store.tables;
  prefect.on(({ table: name, id, action }) => {
    if (name !== "flow_run_state" || action !== "insert") return;
    const { state = "", flow_run_id: runId = "" } = prefect.store.tables.flow_run_state.get(id) ?? {};
    if (!isFinished(state)) return;
    countsText.over++;
    countsText.lastAtMs = performance.now();
    countsText.ends.set(state, (countsText.ends.get(state) ?? 0) + 1);
    const run = table.get(runId)?.name ?? "";
    if (fateNamed(run).ends !== state) countsText.wrong.push(`${run} ended ${state}`);
  });
  return countsText;
}

process.exitCode = await main();
