// delay: from a flow run's start time to its Job, with an idle agent that has fetched the run in advance.

import { setTimeout } from "node:timers/promises";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import { unschedulable } from "./run-config.ts";
import { withAgent } from "./agent-setup.ts";
import type { AgentSetup } from "./agent-setup.ts";
import { percentile, spread } from "./statistics.ts";

const RUNS = 100;
/** More than the ten seconds that a poll prefetches. */
const AHEAD_MS = 13_000;
/** A prime number, so that the starts do not align with other intervals. */
const APART_MS = 149;
/** Until its poll interval has reached the maximum. */
const IDLE_MS = 18_000;
const AT_MOST_MS = 50;

/** From the start time to the Job in a watch. */
export const delay: Figure = {
  name: "delay",
  needs: ["cluster"],
  async measure(context) {
    using cluster = await Cluster.of(context.kubeconfig);
    return [await withAgent(context, cluster, measured)];
  },
};

async function measured({ namespace, prefect, agent }: AgentSetup): Promise<Measurement> {
  const jobs = await namespace.firstEvents("jobs");
  await setTimeout(IDLE_MS);
  const first = Date.now() + AHEAD_MS;
  const startAtMs = Array.from({ length: RUNS }, (_, at) => first + at * APART_MS);
  const { ids } = await prefect.ask("create", { count: RUNS, startAtMs, runConfig: unschedulable });
  await jobs.reach(RUNS);
  const delays = ids.map((id, at) => (jobs.atMs.get(id) ?? Number.NaN) - (startAtMs[at] ?? Number.NaN));
  return {
    name: "delay due → Job, p95",
    unit: "ms",
    ours: percentile(delays, 0.95),
    bound: { of: "ours", side: "at most", value: AT_MOST_MS },
    details: { ...spread(delays), pid: agent.pid, delays },
  };
}
