// Soak test: one agent process launches very many flow runs on the fakes; its memory must not grow.
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
import { chooseOutcome, outcomeNamed } from "./chaos/outcome.ts";
import { Memory } from "./chaos/memory.ts";
import { seeded } from "./chaos/random.ts";
import { SoakedAgent } from "./soak/agent.ts";
import { numbersIn } from "./project.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50000" },
    /** How many unfinished flow runs there are at most. */
    open: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
  },
});
const { runs, open, seed } = numbersIn(values);
/** Total number of memory samples. */
const SAMPLES = 100;
const POLL_MS = 20;
const SETTLE_MS = 120_000;
/** The test fails if no run finishes for this long. */
const STALL_MS = 120_000;
const MIB = 1_048_576;

/** Counts of the runs so far, updated at each event, because the fake forgets old runs. */
interface Counts {
  created: number;
  finished: number;
  /** When the last run finished. */
  lastAtMs: number;
  readonly wrong: string[];
  readonly states: Map<string, number>;
}

async function main(): Promise<number> {
  const prefect = await startFakePrefect1({ keepFinished: 5_000, keepRequests: 100 });
  const cluster = await fakeCluster(prefect);
  const folder = mkdtempSync(join(tmpdir(), "soak-"));
  const logFile = join(folder, "agent.log");
  const agent = new SoakedAgent({ kubeconfig: cluster.kubeconfig, api: prefect.url, logFile });
  console.log(`soak: ${runs} flow runs, ${open} at once, seed ${seed}; the agent's log is ${logFile}`);
  try {
    return await runSoak(prefect, cluster, agent);
  } finally {
    await agent.stop();
    await cluster.stop();
    await prefect.stop();
  }
}

async function runSoak(prefect: FakePrefect1, cluster: ChaosCluster, agent: SoakedAgent): Promise<number> {
  const counts = follow(prefect);
  const random = seeded(seed);
  const flow = prefect.createFlow({ name: "soak" });
  const [heap, resident] = [new Memory(), new Memory()];
  const startedMs = performance.now();
  while (counts.finished < runs && performance.now() - counts.lastAtMs < STALL_MS) {
    while (counts.created < runs && counts.created - counts.finished < open) {
      const name = `${chooseOutcome(random).name}-${counts.created++}`;
      prefect.createFlowRun({ flow, name, runConfig: { type: "KubernetesRun", image: "flow" } });
    }
    if (counts.finished >= (heap.samples.length * runs) / SAMPLES) {
      const usage = await agent.usage();
      heap.add(usage.heap / MIB);
      resident.add(usage.resident / MIB);
      if (heap.samples.length % 10 === 0) console.log(progress(counts, heap, resident));
    }
    await sleep(POLL_MS);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const until = performance.now() + SETTLE_MS;
  while (cluster.remainingJobs() > 0 && performance.now() < until) await sleep(100);
  const { cpuMs } = await agent.usage();
  const code = await agent.stop();
  const violations = [
    ...counts.wrong,
    ...(counts.finished === runs ? [] : [`only ${counts.finished} of ${runs} flow runs finished`]),
    ...(heap.grew ? [`the heap grew: ${heap.toString()}`] : []),
    ...(resident.grew ? [`resident memory grew: ${resident.toString()}`] : []),
    ...(cluster.created.size === runs ? [] : [`${cluster.created.size} Jobs were created`]),
    ...(cluster.remainingJobs() === 0 ? [] : [`${cluster.remainingJobs()} Jobs are left`]),
    ...(code === 0 ? [] : [`the agent ended with exit code ${code}`]),
  ];
  const states = [...counts.states].map(([state, count]) => `${count} ${state}`).join(", ");
  console.log(
    `${counts.finished} flow runs in ${seconds.toFixed(0)} s: ${states}; ${cluster.created.size} Jobs created`,
  );
  console.log(`heap after collection: ${heap.toString()}; resident: ${resident.toString()}`);
  console.log(`${(cpuMs / runs).toFixed(2)} ms of the agent's processor time for each run`);
  for (const line of violations) console.log(`FAILED: ${line}`);
  console.log(
    violations.length === 0 ? "memory is flat" : `${violations.length} checks failed (seed ${seed})`,
  );
  return violations.length === 0 ? 0 : 1;
}

function progress(counts: Counts, heap: Memory, resident: Memory): string {
  const now = (memory: Memory): string => (memory.samples.at(-1) ?? 0).toFixed(1);
  return `${counts.finished} finished: heap ${now(heap)} MiB, resident ${now(resident)} MiB`;
}

/** Counts each finished run once and checks its final state. */
function follow(prefect: FakePrefect1): Counts {
  const counts: Counts = {
    created: 0,
    finished: 0,
    lastAtMs: performance.now(),
    wrong: [],
    states: new Map(),
  };
  const { flow_run: table } = prefect.store.tables;
  prefect.on(({ table: name, id, action }) => {
    if (name !== "flow_run_state" || action !== "insert") return;
    const { state = "", flow_run_id: runId = "" } = prefect.store.tables.flow_run_state.get(id) ?? {};
    if (!isFinished(state)) return;
    counts.finished++;
    counts.lastAtMs = performance.now();
    counts.states.set(state, (counts.states.get(state) ?? 0) + 1);
    const run = table.get(runId)?.name ?? "";
    if (outcomeNamed(run).state !== state) counts.wrong.push(`${run} ended ${state}`);
  });
  return counts;
}

process.exitCode = await main();
