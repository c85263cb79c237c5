// Chaos test: flow runs are created all the time while agents are killed and both APIs fail; at the end all checks must hold.
// npm run chaos -- --minutes 30 [--rate 2] [--seed 7] [--etcd URL]; on the cluster of KUBECONFIG, or else on the fake.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { startFakePrefect1 } from "../test/fakes/prefect1/fake-prefect1.ts";
import { Agents, builtAgent } from "./chaos/agents.ts";
import { realCluster, fakeCluster } from "./chaos/cluster.ts";
import { EventLog } from "./chaos/event-log.ts";
import { chooseOutcome, runConfigOf } from "./chaos/outcome.ts";
import { startProxy } from "./chaos/proxy.ts";
import { seeded } from "./chaos/random.ts";
import { injectFaults } from "./chaos/faults.ts";
import type { ChaosContext } from "./chaos/faults.ts";
import { checksOf, unfinished } from "./chaos/checks.ts";
import type { Check } from "./chaos/checks.ts";
import { numbersIn } from "./project.ts";
import { addressForPods } from "../test/e2e/support/pod-network.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    rate: { type: "string", default: "2" },
    seed: { type: "string", default: String(1 + (Date.now() % 100_000)) },
    /** The cluster's etcd, for compaction: http://127.0.0.1:2379. */
    etcd: { type: "string" },
    /** The agent's executable; default dist/kubectl-prefect. */
    agent: { type: "string" },
    /** A file for the numbers of passed and failed checks, as JSON. */
    report: { type: "string" },
  },
});
const { minutes, rate, seed } = numbersIn({ minutes: values.minutes, rate: values.rate, seed: values.seed });
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
  const eventLog = new EventLog(join(folder, "events.log"));
  eventLog.follow(prefect);
  const agents = new Agents({
    command: values.agent === undefined ? builtAgent() : [values.agent],
    kubeconfig: cluster.kubeconfig,
    api: `http://${real ? await addressForPods() : "127.0.0.1"}:${prefectProxy.port}`,
    eventLog,
  });
  console.log(
    `chaos on ${cluster.name}: ${minutes} min, ${rate} runs/s, seed ${seed}; event log: ${eventLog.file}`,
  );
  const setClock = (ms: number): void => void (offsetMs = ms);
  const context: ChaosContext = { prefect, prefectProxy, cluster, agents, eventLog, setClock };
  try {
    const code = await runChaos(context);
    if (code === 0) console.log("all checks passed; the event log was deleted");
    await eventLog.close();
    if (code === 0) rmSync(folder, { recursive: true });
    return code;
  } finally {
    await agents.endAll("SIGKILL");
    await cluster.stop();
    await prefectProxy.stop();
    await prefect.stop();
  }
}

async function runChaos(context: ChaosContext): Promise<number> {
  const { agents } = context;
  const ids: string[] = [];
  const until = performance.now() + minutes * 60_000;
  agents.start("one");
  const [counts] = await Promise.all([
    injectFaults(context, until, [seeded(seed), seeded(seed + 1)]),
    createRuns(context, ids, until),
    sampleMemory(context, until),
  ]);
  const settledIn = await settle(context, ids);
  await agents.endAll("SIGTERM");
  return report(context, { ids, counts, settledIn });
}

async function createRuns({ prefect }: ChaosContext, ids: string[], until: number): Promise<void> {
  const random = seeded(seed + 2);
  const flow = prefect.createFlow({ name: "chaos" });
  while (performance.now() < until) {
    const outcome = chooseOutcome(random);
    const name = `${outcome.name}-${ids.length}`;
    const runConfig = runConfigOf(outcome, "$PREFECT__CLOUD__API");
    ids.push(prefect.createFlowRun({ flow, name, runConfig }).id);
    await sleep((1_000 / rate) * 2 * random());
  }
}

async function sampleMemory({ agents }: ChaosContext, until: number): Promise<void> {
  while (performance.now() < until) {
    agents.sample();
    await sleep(SAMPLE_MS);
  }
}

/** Ends all faults and waits until every run has finished. Returns the seconds that it took. */
async function settle(
  { prefect, prefectProxy, cluster, agents, eventLog, setClock }: ChaosContext,
  ids: readonly string[],
): Promise<number> {
  prefect.clearFaults();
  prefectProxy.repair();
  cluster.proxy.repair();
  setClock(0);
  agents.start("one");
  eventLog.write("chaos", "all faults ended");
  const startedMs = performance.now();
  while (performance.now() - startedMs < SETTLE_MS) {
    if (unfinished(prefect, ids).length === 0 && cluster.remainingJobs() === 0) break;
    await sleep(250);
  }
  return Math.round((performance.now() - startedMs) / 1_000);
}

function report(
  { prefect, cluster, agents }: ChaosContext,
  run: {
    readonly ids: readonly string[];
    readonly counts: ReadonlyMap<string, number>;
    readonly settledIn: number;
  },
): number {
  const checks = checksOf({ prefect, cluster, agents }, run.ids);
  const violations = checks.flatMap((each) => each.violations);
  const states = Map.groupBy(run.ids, (id) => prefect.flowRun(id)?.state ?? "gone");
  const lines = run.ids.reduce((sum, id) => sum + prefect.logsOf(id).length, 0);
  const faults = run.counts.values().reduce((sum, count) => sum + count, 0);
  console.log(
    `${run.ids.length} flow runs: ${[...states].map(([state, of]) => `${of.length} ${state}`).join(", ")}`,
  );
  console.log(
    `${cluster.created.size} Jobs created, ${cluster.remainingJobs()} left; ${lines} log lines; all runs finished ${run.settledIn} s after the last fault`,
  );
  console.log(`${agents.starts} agent processes; resident memory ${agents.memory.toString()}`);
  console.log(`${faults} faults: ${[...run.counts].map(([name, count]) => `${name} ${count}`).join(", ")}`);
  for (const each of checks)
    console.log(`${each.violations.length === 0 ? "ok    " : "FAILED"} ${each.name}`);
  for (const line of violations) console.log(`       ${line}`);
  if (violations.length > 0) console.log(`failed with --seed ${seed}; see the event log`);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(asTests(checks)));
  return violations.length === 0 ? 0 : 1;
}

/** In the format of vitest's JSON reporter, so that the counts can be added. */
function asTests(checks: readonly Check[]): object {
  const numFailedTests = checks.filter(({ violations }) => violations.length > 0).length;
  return { numPassedTests: checks.length - numFailedTests, numFailedTests, testResults: [] };
}

process.exitCode = await main();
