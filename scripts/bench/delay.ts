// delay: from a flow run's start time to its Job, with an idle agent that has fetched the run before.

import { setTimeout } from "node:timers/promises";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import { unschedulable } from "./run-config.ts";
import { onScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { percentile, spread } from "./statistics.ts";

const RUNS = 100;
/** Beyond the ten seconds that a poll looks ahead. */
const AHEAD_MS = 13_000;
/** Prime, so that the starts keep no step with anything. */
const APART_MS = 149;
/** Until its polls are as far apart as they get. */
const IDLE_MS = 18_000;
const AT_MOST_MS = 50;

/** Due → Job created, as a watch tells it. */
export const delay: Figure = {
  name: "delay",
  needs: ["cluster"],
  async measure(world) {
    using cluster = await Cluster.of(world.kubeconfig);
    return [await onScene(world, cluster, measured)];
  },
};

async function measured({ namespace, prefect, agent }: Scene): Promise<Measurement> {
  const jobs = await namespace.arrivals("jobs");
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
