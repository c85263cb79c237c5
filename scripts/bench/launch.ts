// launch: 1,000 due flow runs through the agent, against a loop that only creates the very same Jobs; in turns.

import { setTimeout } from "node:timers/promises";
import type { AgentProcess } from "./agent-process.ts";
import type { BareCommands } from "./bare-loop.ts";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import { jobsFor } from "./jobs-for.ts";
import { unschedulable } from "./run-config.ts";
import { onScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { median } from "./statistics.ts";

const RUNS = 1_000;
const ROUNDS = 3;
/** As many as the agent submits at once when nothing else is said. */
const CONCURRENCY = 24;
const IDLE_MS = 5_000;
const SETTLED_MS = 5_000;
const AT_LEAST = 0.6;
/** A tenth of the 7 ms that Prefect's own agent took for a run. */
const CPU_AT_MOST_MS = 0.7;

interface AgentRound {
  readonly perSecond: number;
  /** Processor milliseconds per run beyond an idle agent's, until the last run's log line was taken. */
  readonly cpuMs: number;
  /** The same, with what following the new Jobs and their pods took in the seconds after. */
  readonly settledCpuMs: number;
  readonly idleCpuMsPerSecond: number;
  readonly pollToLastJobMs: number;
  readonly pollToLastLogMs: number;
}

interface BareRound {
  readonly perSecond: number;
  readonly cpuMs: number;
}

/** Throughput, and processor time per run. */
export const launch: Figure = {
  name: "launch",
  needs: ["cluster", "linux"],
  async measure(world) {
    using cluster = await Cluster.of(world.kubeconfig);
    const rounds: { readonly bare: BareRound; readonly agent: AgentRound }[] = [];
    for (let at = 1; at <= ROUNDS; at++) {
      const bare = await bareRound(cluster);
      const agent = await onScene(world, cluster, agentRound);
      rounds.push({ bare, agent });
      world.say(`launch, round ${at} of ${ROUNDS}: bare loop ${told(bare)}; agent ${told(agent)}`);
    }
    return measurements(rounds);
  },
};

function told({ perSecond, cpuMs }: BareRound): string {
  return `${perSecond.toFixed(0)} Jobs/s, ${cpuMs.toFixed(2)} ms of processor time each`;
}

function measurements(
  rounds: readonly { readonly bare: BareRound; readonly agent: AgentRound }[],
): readonly Measurement[] {
  const throughput: Measurement = {
    name: "launch throughput",
    unit: "runs/s",
    ours: median(rounds.map(({ agent }) => agent.perSecond)),
    against: { what: "bare loop", value: median(rounds.map(({ bare }) => bare.perSecond)) },
    ratio: median(rounds.map(({ agent, bare }) => agent.perSecond / bare.perSecond)),
    bound: { of: "ratio", side: "at least", value: AT_LEAST },
    details: { runs: RUNS, rounds },
  };
  const cpu: Measurement = {
    name: "launch processor time",
    unit: "ms/run",
    ours: median(rounds.map(({ agent }) => agent.cpuMs)),
    against: { what: "bare loop", value: median(rounds.map(({ bare }) => bare.cpuMs)) },
    ratio: median(rounds.map(({ agent, bare }) => agent.cpuMs / bare.cpuMs)),
    bound: { of: "ours", side: "at most", value: CPU_AT_MOST_MS },
    details: { settledCpuMs: median(rounds.map(({ agent }) => agent.settledCpuMs)) },
  };
  return [throughput, cpu];
}

async function agentRound({ namespace, prefect, agent }: Scene): Promise<AgentRound> {
  const jobs = await namespace.arrivals("jobs");
  // Its start is not its idling.
  await setTimeout(IDLE_MS);
  const idle = await cpuOf(agent, () => setTimeout(IDLE_MS));
  const busy = { cpuMs: agent.cpuMs(), atMs: Date.now() };
  const { ids, atMs } = await prefect.ask("create", { count: RUNS, runConfig: unschedulable });
  await agent.poke();
  await jobs.reach(RUNS);
  const loggedAtMs = await prefect.ask("logged", ids);
  const perRun = (): number => {
    const idling = (idle.cpuMs / idle.ms) * (Date.now() - busy.atMs);
    return (agent.cpuMs() - busy.cpuMs - idling) / RUNS;
  };
  const cpuMs = perRun();
  await setTimeout(SETTLED_MS);
  const polledAtMs = (await prefect.ask("firstPoll", atMs)) ?? Number.NaN;
  const pollToLastJobMs = jobs.lastAtMs() - polledAtMs;
  return {
    perSecond: (RUNS / pollToLastJobMs) * 1_000,
    cpuMs,
    settledCpuMs: perRun(),
    idleCpuMsPerSecond: (idle.cpuMs / idle.ms) * 1_000,
    pollToLastJobMs,
    pollToLastLogMs: loggedAtMs - polledAtMs,
  };
}

async function cpuOf(
  agent: AgentProcess,
  during: () => Promise<unknown>,
): Promise<{ readonly cpuMs: number; readonly ms: number }> {
  const before = { cpuMs: agent.cpuMs(), atMs: performance.now() };
  await during();
  return { cpuMs: agent.cpuMs() - before.cpuMs, ms: performance.now() - before.atMs };
}

async function bareRound(cluster: Cluster): Promise<BareRound> {
  await using namespace = await cluster.namespace();
  const jobs = await jobsFor(namespace.name, RUNS);
  await using loop = new Child<BareCommands>(new URL("bare-loop.ts", import.meta.url));
  const arrivals = await namespace.arrivals("jobs");
  const round = { access: cluster.access, namespace: namespace.name, jobs, concurrency: CONCURRENCY };
  const { beganAtMs, cpuMs } = await loop.ask("create", round);
  await arrivals.reach(RUNS);
  return { perSecond: (RUNS / (arrivals.lastAtMs() - beganAtMs)) * 1_000, cpuMs: cpuMs / RUNS };
}
