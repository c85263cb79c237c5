// launch: 1,000 due flow runs through the agent, against a loop that only creates the very same Jobs; in turns. Then another
// 1,000 through the same agent, for what a run takes of the processor where nothing is new any more.

import { setTimeout } from "node:timers/promises";
import type { AgentProcess } from "./agent-process.ts";
import type { BareCommands } from "./bare-loop.ts";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { Arrivals } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import { jobsFor } from "./jobs-for.ts";
import { unschedulable } from "./run-config.ts";
import { onOriginalScene, onScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { median } from "./statistics.ts";

const RUNS = 1_000;
const ROUNDS = 3;
/** As many as the agent submits at once when nothing else is said. */
const CONCURRENCY = 24;
const IDLE_MS = 5_000;
const SETTLED_MS = 5_000;
const AT_LEAST = 0.6;
/** Of what Prefect's own agent takes for a run, on the same machine. */
const CPU_RATIO_AT_MOST = 0.1;
/** Where that agent is not at hand: a tenth of the 7 ms that it took on a machine where the bare loop takes 0.35 ms. */
const CPU_AT_MOST_MS = 0.7;

/** The first thousand of a process, which pays for all that is compiled and learnt on the way. */
interface AgentRound extends Burst {
  readonly next: Burst;
}

interface Burst {
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

interface Round {
  readonly bare: BareRound;
  readonly agent: AgentRound;
  readonly original: AgentRound | undefined;
}

/** Throughput, and processor time per run. */
export const launch: Figure = {
  name: "launch",
  needs: ["cluster", "linux"],
  async measure(world) {
    using cluster = await Cluster.of(world.kubeconfig);
    const rounds: Round[] = [];
    for (let at = 1; at <= ROUNDS; at++) {
      const bare = await bareRound(cluster);
      const agent = await onScene(world, cluster, agentRound);
      const original = await onOriginalScene(world, cluster, agentRound);
      rounds.push({ bare, agent, original });
      const beside = original === undefined ? "" : `; Prefect's own ${toldTwice(original)}`;
      world.say(
        `launch, round ${at} of ${ROUNDS}: bare loop ${told(bare)}; agent ${toldTwice(agent)}${beside}`,
      );
    }
    return [throughputOf(rounds), processorTimeOf(rounds)];
  },
};

function told({ perSecond, cpuMs }: BareRound): string {
  return `${perSecond.toFixed(0)} Jobs/s, ${cpuMs.toFixed(2)} ms of processor time each`;
}

function toldTwice(round: AgentRound): string {
  return `${told(round)}, ${round.next.cpuMs.toFixed(2)} ms from then on`;
}

function throughputOf(rounds: readonly Round[]): Measurement {
  return {
    name: "launch throughput",
    unit: "runs/s",
    ours: median(rounds.map(({ agent }) => agent.perSecond)),
    against: { what: "bare loop", value: median(rounds.map(({ bare }) => bare.perSecond)) },
    ratio: median(rounds.map(({ agent, bare }) => agent.perSecond / bare.perSecond)),
    bound: { of: "ratio", side: "at least", value: AT_LEAST },
    details: { runs: RUNS, rounds },
  };
}

/** Beside Prefect's own agent, or beside the bare loop, of which no more than a look at the machine is to be had. */
function processorTimeOf(rounds: readonly Round[]): Measurement {
  const measured = {
    name: "launch processor time",
    unit: "ms/run",
    ours: median(rounds.map(({ agent }) => agent.cpuMs)),
    details: {
      settledCpuMs: median(rounds.map(({ agent }) => agent.settledCpuMs)),
      nextCpuMs: median(rounds.map(({ agent }) => agent.next.cpuMs)),
    },
  };
  const beside = rounds.flatMap(({ agent, original }) =>
    original === undefined ? [] : [{ agent, original }],
  );
  if (beside.length > 0) {
    return {
      ...measured,
      against: { what: "Prefect's own", value: median(beside.map(({ original }) => original.cpuMs)) },
      ratio: median(beside.map(({ agent, original }) => agent.cpuMs / original.cpuMs)),
      bound: { of: "ratio", side: "at most", value: CPU_RATIO_AT_MOST },
    };
  }
  return {
    ...measured,
    against: { what: "bare loop", value: median(rounds.map(({ bare }) => bare.cpuMs)) },
    ratio: median(rounds.map(({ agent, bare }) => agent.cpuMs / bare.cpuMs)),
    bound: { of: "ours", side: "at most", value: CPU_AT_MOST_MS },
  };
}

/** Twice as many runs, one half after the other; the bounds are for the first. */
async function agentRound(scene: Scene): Promise<AgentRound> {
  const jobs = await scene.namespace.arrivals("jobs");
  // Its start is not its idling.
  await setTimeout(IDLE_MS);
  const first = await burst(scene, jobs, RUNS);
  return { ...first, next: await burst(scene, jobs, 2 * RUNS) };
}

async function burst({ prefect, agent }: Scene, jobs: Arrivals, until: number): Promise<Burst> {
  const idle = await cpuOf(agent, () => setTimeout(IDLE_MS));
  const busy = { cpuMs: agent.cpuMs(), atMs: Date.now() };
  const { ids, atMs } = await prefect.ask("create", { count: RUNS, runConfig: unschedulable });
  await agent.poke();
  await jobs.reach(until);
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
