// The troubles: what is done to the agents and to both APIs, each for a while and then undone.

import { setTimeout as sleep } from "node:timers/promises";
import type { PrefectStandin } from "../../src/standin/prefect/prefect-standin.ts";
import type { Agents } from "./agents.ts";
import type { ChaosCluster } from "./cluster.ts";
import { pick } from "./random.ts";

export interface World {
  readonly prefect: PrefectStandin;
  readonly cluster: ChaosCluster;
  readonly agents: Agents;
  readonly random: () => number;
  /** Steps the clock of the Prefect stand-in. */
  readonly stepClock: (ms: number) => void;
}

type Trouble = (world: World, forMs: number) => Promise<void>;

/** Each by a name for the report. */
export const TROUBLES: Readonly<Record<string, Trouble>> = {
  "agent killed": async ({ agents }) => {
    await agents.end("one", "SIGKILL");
    agents.start("one");
  },
  "agent restarted in order": async ({ agents }) => {
    await agents.end("one", "SIGTERM");
    agents.start("one");
  },
  "agent away": async ({ agents }, forMs) => {
    await agents.end("one", "SIGKILL");
    await sleep(forMs);
    agents.start("one");
  },
  "two agents": async ({ agents }, forMs) => {
    agents.start("two");
    await sleep(forMs);
    await agents.end("two", "SIGKILL");
  },
  "Prefect away": async ({ prefect }, forMs) => {
    await prefect.pause();
    await sleep(forMs);
    await prefect.resume();
  },
  "Prefect answers 500": ({ prefect }, forMs) => faulty(prefect, { kind: "status", status: 500 }, forMs),
  "Prefect answers 429": ({ prefect }, forMs) =>
    faulty(prefect, { kind: "status", status: 429, retryAfter: "1" }, forMs),
  "Prefect's answers are lost": ({ prefect }, forMs) =>
    faulty(prefect, { kind: "cut", when: "after" }, forMs),
  "Prefect is slow": ({ prefect }, forMs) => faulty(prefect, { kind: "delay", ms: 700 }, forMs),
  "Kubernetes away": async ({ cluster }, forMs) => {
    cluster.proxy.refuse();
    await sleep(forMs);
    cluster.proxy.heal();
  },
  "Kubernetes cut": ({ cluster }) => {
    cluster.proxy.cut();
    return Promise.resolve();
  },
  "Kubernetes frozen": async ({ cluster }, forMs) => {
    cluster.proxy.freeze();
    await sleep(forMs);
    cluster.proxy.heal();
  },
  "Kubernetes slow": async ({ cluster }, forMs) => {
    cluster.proxy.slow(300);
    await sleep(forMs);
    cluster.proxy.heal();
  },
  "history compacted": async ({ cluster }) => {
    await cluster.compact();
    cluster.proxy.cut();
  },
  "clock stepped": ({ stepClock, random }) => {
    stepClock(pick([-5_000, 5_000, 35_000], random));
    return Promise.resolve();
  },
};

async function faulty(
  prefect: PrefectStandin,
  effect: Parameters<PrefectStandin["fault"]>[0]["effect"],
  forMs: number,
): Promise<void> {
  // Every other request only: the flows speak to the same API, and nobody gets through a wall.
  let count = 0;
  const fault = prefect.fault({ effect, match: () => count++ % 2 === 0, times: Number.POSITIVE_INFINITY });
  await sleep(forMs);
  fault.remove();
}

/** One trouble after another until time is up; answers how often each came. */
export async function makeTrouble(world: World, untilMs: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  while (performance.now() < untilMs) {
    await sleep(500 + 3_000 * world.random());
    const name = pick(Object.keys(TROUBLES), world.random);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await TROUBLES[name]?.(world, 1_000 + 5_000 * world.random());
  }
  return counts;
}
