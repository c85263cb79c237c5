// launch: the agent launches 1,000 due flow runs, alternating with a loop that only creates the same Jobs. Then the same agent
// launches another 1,000, for its processor time per run after warm-up.

import { setTimeout } from "node:timers/promises";
import type { AgentProcess } from "./agent-process.ts";
import type { BareCommands } from "./bare-loop.ts";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { FirstEvents } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import { jobsFor } from "./jobs-for.ts";
import { unschedulable } from "./run-config.ts";
import { withOriginalAgent, withAgent } from "./agent-setup.ts";
import type { AgentSetup } from "./agent-setup.ts";
import { median } from "./statistics.ts";

const RUNS = 1_000;
const ROUNDS = 3;
/** The agent's default concurrency. */
const CONCURRENCY = 24;
const IDLE_MS = 5_000;
const SETTLED_MS = 5_000;
const AT_LEAST = 0.6;
/** Relative to Prefect's own agent on the same machine. */
const TIMES_ORIGINAL_AT_LEAST = 4;
const CPU_RATIO_AT_MOST = 0.2;
/** Without Prefect's own agent: a fifth of the 20 bare loops that it takes. */
const CPU_LOOPS_AT_MOST = 4;

/** The first thousand runs of a process, which include its warm-up, and the next thousand. */
interface AgentRound extends Burst {
  readonly next: Burst;
}

interface Burst {
  readonly perSecond: number;
  /** Processor milliseconds per run, minus those of an idle agent, until the last run has its log line. */
  readonly cpuMs: number;
  /** The same, including the seconds after, in which the agent follows the new Jobs and pods. */
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
  async measure(context) {
    using cluster = await Cluster.of(context.kubeconfig);
    const rounds: Round[] = [];
    for (let at = 1; at <= ROUNDS; at++) {
      const bare = await bareRound(cluster);
      const agent = await withAgent(context, cluster, agentRound);
      const original = await withOriginalAgent(context, cluster, agentRound);
      rounds.push({ bare, agent, original });
      const compared = original === undefined ? "" : `; Prefect's own ${agentText(original)}`;
      context.log(
        `launch, round ${at} of ${ROUNDS}: bare loop ${roundText(bare)}; agent ${agentText(agent)}${compared}`,
      );
    }
    return [throughputOf(rounds), ...againstOriginal(rounds), processorTimeOf(rounds)];
  },
};

function roundText({ perSecond, cpuMs }: BareRound): string {
  return `${perSecond.toFixed(0)} Jobs/s, ${cpuMs.toFixed(2)} ms of processor time each`;
}

function agentText(round: AgentRound): string {
  return `${roundText(round)}, ${round.next.cpuMs.toFixed(2)} ms after warm-up`;
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

/** Empty if Prefect's own agent was not measured. */
function againstOriginal(rounds: readonly Round[]): readonly Measurement[] {
  const pairs = rounds.flatMap(({ agent, original }) =>
    original === undefined ? [] : [{ ours: agent.perSecond, theirs: original.perSecond }],
  );
  if (pairs.length === 0) return [];
  return [
    {
      name: "launch, Prefect's own",
      unit: "runs/s",
      ours: median(pairs.map(({ ours }) => ours)),
      against: { what: "Prefect's own", value: median(pairs.map(({ theirs }) => theirs)) },
      ratio: median(pairs.map(({ ours, theirs }) => ours / theirs)),
      bound: { of: "ratio", side: "at least", value: TIMES_ORIGINAL_AT_LEAST },
    },
  ];
}

/** Compared with Prefect's own agent, or else with the bare loop. */
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
  const withOriginal = rounds.flatMap(({ agent, original }) =>
    original === undefined ? [] : [{ agent, original }],
  );
  if (withOriginal.length > 0) {
    return {
      ...measured,
      against: { what: "Prefect's own", value: median(withOriginal.map(({ original }) => original.cpuMs)) },
      ratio: median(withOriginal.map(({ agent, original }) => agent.cpuMs / original.cpuMs)),
      bound: { of: "ratio", side: "at most", value: CPU_RATIO_AT_MOST },
    };
  }
  return {
    ...measured,
    against: { what: "bare loop", value: median(rounds.map(({ bare }) => bare.cpuMs)) },
    ratio: median(rounds.map(({ agent, bare }) => agent.cpuMs / bare.cpuMs)),
    bound: { of: "ratio", side: "at most", value: CPU_LOOPS_AT_MOST },
  };
}

/** Two bursts of runs; the bounds apply to the first. */
async function agentRound(setup: AgentSetup): Promise<AgentRound> {
  const jobs = await setup.namespace.firstEvents("jobs");
  // Let the start-up finish.
  await setTimeout(IDLE_MS);
  const first = await burst(setup, jobs, RUNS);
  return { ...first, next: await burst(setup, jobs, 2 * RUNS) };
}

async function burst({ prefect, agent }: AgentSetup, jobs: FirstEvents, until: number): Promise<Burst> {
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
  const firstEvents = await namespace.firstEvents("jobs");
  const round = { access: cluster.access, namespace: namespace.name, jobs, concurrency: CONCURRENCY };
  const { beganAtMs, cpuMs } = await loop.ask("create", round);
  await firstEvents.reach(RUNS);
  return { perSecond: (RUNS / (firstEvents.lastAtMs() - beganAtMs)) * 1_000, cpuMs: cpuMs / RUNS };
}
