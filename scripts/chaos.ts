// Chaos: flow runs arrive all the time while agents are killed and both APIs misbehave; at the end everything must be true.
// npm run chaos -- --minutes 30 [--rate 2] [--seed 7]; with KUBECONFIG a real cluster, else the stand-in.

import { mkdtempSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { startPrefectStandin } from "../src/standin/prefect/prefect-standin.ts";
import { Agents } from "./chaos/agents.ts";
import { realCluster, standinCluster } from "./chaos/cluster.ts";
import { chooseFate, runConfigOf } from "./chaos/fate.ts";
import { seeded } from "./chaos/random.ts";
import { makeTrouble } from "./chaos/troubles.ts";
import type { World } from "./chaos/troubles.ts";
import { brokenPromises, unfinished } from "./chaos/verdict.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    rate: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    host: { type: "string" },
    etcd: { type: "string" },
  },
});
const [minutes, rate, seed] = [values.minutes, values.rate, values.seed].map(Number) as [
  number,
  number,
  number,
];
const SETTLE_MS = 120_000;

async function main(): Promise<number> {
  const random = seeded(seed);
  let offsetMs = 0;
  const clock = { ...systemClock, now: () => new Date(Date.now() + offsetMs) };
  const kubeconfig = process.env["KUBECONFIG"];
  const real = kubeconfig !== undefined && kubeconfig !== "";
  const prefect = await startPrefectStandin({
    clock,
    host: real ? "0.0.0.0" : "127.0.0.1",
    keepRequests: 1_000,
  });
  const cluster = real ? await realCluster(kubeconfig, values.etcd) : await standinCluster(prefect);
  const logFile = join(mkdtempSync(join(tmpdir(), "chaos-")), "agents.log");
  const agents = new Agents({ kubeconfig: cluster.kubeconfig, api: apiFor(prefect.port, real), logFile });
  console.log(
    `chaos on ${cluster.name}: ${minutes} min, ${rate} runs/s, seed ${seed}; the agents' log is ${logFile}`,
  );
  const world: World = { prefect, cluster, agents, random, stepClock: (ms) => void (offsetMs += ms) };
  const ids: string[] = [];
  try {
    const until = performance.now() + minutes * 60_000;
    agents.start("one");
    const [counts] = await Promise.all([
      makeTrouble(world, until),
      arrive(world, ids, until),
      sampleMemory(agents, until),
    ]);
    const settledIn = await settle(world, ids);
    await agents.endAll("SIGTERM");
    return report(world, { ids, counts, settledIn });
  } finally {
    await agents.endAll("SIGKILL");
    await cluster.stop();
    await prefect.stop();
  }
}

/** Pods of a real cluster reach this machine at the address of the cluster's bridge. */
function apiFor(port: number, real: boolean): string {
  const bridge = Object.entries(networkInterfaces()).find(([name]) => name.startsWith("kpbr"))?.[1]?.[0]
    ?.address;
  return `http://${values.host ?? (real ? (bridge ?? "127.0.0.1") : "127.0.0.1")}:${port}`;
}

async function arrive(world: World, ids: string[], until: number): Promise<void> {
  const flow = world.prefect.createFlow({ name: "chaos" });
  const api = "$PREFECT__CLOUD__API";
  while (performance.now() < until) {
    const fate = chooseFate(world.random);
    const name = `${fate.name}-${ids.length}`;
    ids.push(world.prefect.createFlowRun({ flow, name, runConfig: runConfigOf(fate, api) }).id);
    await sleep((1_000 / rate) * 2 * world.random());
  }
}

async function sampleMemory(agents: Agents, until: number): Promise<void> {
  while (performance.now() < until) {
    agents.sample();
    await sleep(5_000);
  }
}

/** Everything is mended; now all must come to its end. Answers the seconds that it took. */
async function settle({ prefect, cluster, agents }: World, ids: readonly string[]): Promise<number> {
  prefect.clearFaults();
  cluster.proxy.heal();
  agents.start("one");
  const begun = performance.now();
  while (performance.now() - begun < SETTLE_MS) {
    if (unfinished(prefect, ids).length === 0 && cluster.jobsLeft() === 0) break;
    await sleep(250);
  }
  return Math.round((performance.now() - begun) / 1_000);
}

function report(
  { prefect, cluster, agents }: World,
  run: {
    readonly ids: readonly string[];
    readonly counts: ReadonlyMap<string, number>;
    readonly settledIn: number;
  },
): number {
  const broken = [...brokenPromises(prefect, cluster, run.ids), ...agents.deaths];
  const ends = Map.groupBy(run.ids, (id) => prefect.flowRun(id)?.state ?? "gone");
  console.log(
    `\n${run.ids.length} flow runs: ${[...ends].map(([state, of]) => `${of.length} ${state}`).join(", ")}`,
  );
  console.log(
    `${cluster.made.size} Jobs made, ${cluster.jobsLeft()} left; settled ${run.settledIn} s after the last trouble`,
  );
  console.log(
    `${agents.starts} agent processes; memory of the agent: at most ${Math.round(Math.max(0, ...agents.memory))} MiB`,
  );
  console.log(`troubles: ${[...run.counts].map(([name, count]) => `${name} ${count}`).join(", ")}`);
  for (const line of broken) console.log(`BROKEN: ${line}`);
  console.log(
    broken.length === 0 ? "every promise was kept" : `${broken.length} promises were broken (seed ${seed})`,
  );
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
