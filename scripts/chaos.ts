// Chaos: flow runs arrive all the time while agents are killed and both APIs misbehave; at the end everything must be true.
// npm run chaos -- --minutes 30 [--rate 2] [--seed 7] [--etcd URL]; with KUBECONFIG a real cluster, else the fake.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { startFakePrefect1 } from "../test/fakes/prefect1/fake-prefect1.ts";
import { Agents, builtAgent } from "./chaos/agents.ts";
import { realCluster, fakeCluster } from "./chaos/cluster.ts";
import { Diary } from "./chaos/diary.ts";
import { chooseFate, runConfigOf } from "./chaos/outcome.ts";
import { startProxy } from "./chaos/proxy.ts";
import { seeded } from "./chaos/random.ts";
import { makeProblem } from "./chaos/troubles.ts";
import type { World } from "./chaos/troubles.ts";
import { promisesOf, unfinished } from "./chaos/promises.ts";
import type { Promised } from "./chaos/promises.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    rate: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    /** Where pods reach this machine. */
    host: { type: "string" },
    /** The cluster's etcd, to compact it: http://127.0.0.1:2379. */
    etcd: { type: "string" },
    /** Another executable than dist/kubectl-prefect. */
    agent: { type: "string" },
    /** A file for the counts of promises kept and broken, as JSON. */
    report: { type: "string" },
  },
});
const [minutes, rate, seed] = [values.minutes, values.rate, values.seed].map(Number) as [
  number,
  number,
  number,
];
const SETTLE_MS = 120_000;
const SAMPLE_MS = 2_000;

async function main(): Promise<number> {
  let offsetMs = 0;
  const clock = { ...systemClock, now: () => new Date(Date.now() + offsetMs) };
  const kubeconfig = process.env["KUBECONFIG"];
  const real = kubeconfig !== undefined && kubeconfig !== "";
  const prefect = await startFakePrefect1({ clock, keepRequests: 1_000 });
  const prefectProxy = await startProxy(prefect.port, real ? "0.0.0.0" : "127.0.0.1");
  const cluster = real
    ? await realCluster(kubeconfig, { etcd: values.etcd, prefect })
    : await fakeCluster(prefect);
  const folder = mkdtempSync(join(tmpdir(), "chaos-"));
  const diary = new Diary(join(folder, "diary.log"));
  diary.follow(prefect);
  const agents = new Agents({
    command: values.agent === undefined ? builtAgent() : [values.agent],
    kubeconfig: cluster.kubeconfig,
    api: `http://${hostFor(real)}:${prefectProxy.port}`,
    diary,
  });
  console.log(`chaos on ${cluster.name}: ${minutes} min, ${rate} runs/s, seed ${seed}; diary: ${diary.file}`);
  const setClock = (ms: number): void => void (offsetMs = ms);
  const world: World = { prefect, prefectProxy, cluster, agents, diary, setClock };
  try {
    const code = await underway(world);
    if (code === 0) console.log("all promises were kept; the diary is not");
    await diary.close();
    if (code === 0) rmSync(folder, { recursive: true });
    return code;
  } finally {
    await agents.endAll("SIGKILL");
    await cluster.stop();
    await prefectProxy.stop();
    await prefect.stop();
  }
}

async function underway(world: World): Promise<number> {
  const { agents } = world;
  const ids: string[] = [];
  const until = performance.now() + minutes * 60_000;
  agents.start("one");
  const [counts] = await Promise.all([
    makeProblem(world, until, [seeded(seed), seeded(seed + 1)]),
    arrive(world, ids, until),
    sampleMemory(world, until),
  ]);
  const settledIn = await settle(world, ids);
  await agents.endAll("SIGTERM");
  return report(world, { ids, counts, settledIn });
}

/** Pods of a real cluster reach this machine at the address of the cluster's bridge. */
function hostFor(real: boolean): string {
  const bridge = Object.entries(networkInterfaces()).find(([name]) => name.startsWith("kpbr"))?.[1]?.[0]
    ?.address;
  return values.host ?? (real ? (bridge ?? "127.0.0.1") : "127.0.0.1");
}

async function arrive({ prefect }: World, ids: string[], until: number): Promise<void> {
  const random = seeded(seed + 2);
  const flow = prefect.createFlow({ name: "chaos" });
  while (performance.now() < until) {
    const fate = chooseFate(random);
    const name = `${fate.name}-${ids.length}`;
    const runConfig = runConfigOf(fate, "$PREFECT__CLOUD__API");
    ids.push(prefect.createFlowRun({ flow, name, runConfig }).id);
    await sleep((1_000 / rate) * 2 * random());
  }
}

async function sampleMemory({ agents }: World, until: number): Promise<void> {
  while (performance.now() < until) {
    agents.sample();
    await sleep(SAMPLE_MS);
  }
}

/** Everything is mended; now all must come to its end. Answers the seconds that it took. */
async function settle(
  { prefect, prefectProxy, cluster, agents, diary, setClock }: World,
  ids: readonly string[],
): Promise<number> {
  prefect.clearFaults();
  prefectProxy.heal();
  cluster.proxy.heal();
  setClock(0);
  agents.start("one");
  diary.said("chaos", "all is mended");
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
  const promises = promisesOf({ prefect, cluster, agents }, run.ids);
  const broken = promises.flatMap((each) => each.broken);
  const ends = Map.groupBy(run.ids, (id) => prefect.flowRun(id)?.state ?? "gone");
  const lines = run.ids.reduce((sum, id) => sum + prefect.logsOf(id).length, 0);
  const troubles = run.counts.values().reduce((sum, count) => sum + count, 0);
  console.log(
    `${run.ids.length} flow runs: ${[...ends].map(([state, of]) => `${of.length} ${state}`).join(", ")}`,
  );
  console.log(
    `${cluster.made.size} Jobs made, ${cluster.jobsLeft()} left; ${lines} lines in the runs' logs; all was over ${run.settledIn} s after the last trouble`,
  );
  console.log(`${agents.starts} agent processes; resident memory ${agents.memory.toString()}`);
  console.log(
    `${troubles} troubles: ${[...run.counts].map(([name, count]) => `${name} ${count}`).join(", ")}`,
  );
  for (const each of promises)
    console.log(`${each.broken.length === 0 ? "kept  " : "BROKEN"} ${each.promise}`);
  for (const line of broken) console.log(`       ${line}`);
  if (broken.length > 0) console.log(`broken with --seed ${seed}; what happened is in the diary`);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(asTests(promises)));
  return broken.length === 0 ? 0 : 1;
}

/** As vitest's JSON reporter counts its tests, so that both can be added up. */
function asTests(promises: readonly Promised[]): object {
  const numFailedTests = promises.filter(({ broken }) => broken.length > 0).length;
  return { numPassedTests: promises.length - numFailedTests, numFailedTests, testResults: [] };
}

process.exitCode = await main();
