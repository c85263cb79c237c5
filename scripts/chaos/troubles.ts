// The troubles: what is done to the agents and to both APIs, each for a while and then undone.

import { setTimeout as sleep } from "node:timers/promises";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Agents } from "./agents.ts";
import type { ChaosCluster } from "./cluster.ts";
import type { Diary } from "./diary.ts";
import type { Proxy } from "./proxy.ts";
import { pick } from "./random.ts";

export interface World {
  readonly prefect: FakePrefect1;
  /** Through which agents and flows reach Prefect. */
  readonly prefectProxy: Proxy;
  readonly cluster: ChaosCluster;
  readonly agents: Agents;
  readonly diary: Diary;
  /** Sets the clock of the Prefect fake this far from the true time. */
  readonly setClock: (offsetMs: number) => void;
}

type Problem = (world: World, forMs: number, random: () => number) => Promise<void> | void;
type Troubles = Readonly<Record<string, Problem>>;

/** What befalls agents, each by a name for the report. */
const OF_AGENTS: Troubles = {
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
  "two agents, the second killed": async ({ agents }, forMs) => {
    agents.start("two");
    await sleep(forMs);
    await agents.end("two", "SIGKILL");
  },
  "two agents, the first killed": async ({ agents }, forMs) => {
    agents.start("two");
    await sleep(forMs);
    await agents.end("one", "SIGKILL");
    await sleep(forMs);
    agents.start("one");
    await agents.end("two", "SIGTERM");
  },
};

/** What befalls the two APIs. */
const OF_APIS: Troubles = {
  "Prefect away": async ({ prefect }, forMs) => {
    await prefect.pause();
    await sleep(forMs);
    await prefect.resume();
  },
  "Prefect cut": ({ prefectProxy }) => prefectProxy.cut(),
  "Prefect frozen": async ({ prefectProxy }, forMs) => {
    prefectProxy.freeze();
    await sleep(forMs);
    prefectProxy.heal();
  },
  "Prefect slow": async ({ prefectProxy }, forMs) => {
    prefectProxy.slow(300);
    await sleep(forMs);
    prefectProxy.heal();
  },
  "Prefect answers 500": ({ prefect }, forMs) => faulty(prefect, { kind: "status", status: 500 }, forMs),
  "Prefect answers 429": ({ prefect }, forMs) =>
    faulty(prefect, { kind: "status", status: 429, retryAfter: "1" }, forMs),
  "Prefect's answers lost": ({ prefect }, forMs) => faulty(prefect, { kind: "cut", when: "after" }, forMs),
  "Prefect's clock stepped": ({ setClock }, _forMs, random) =>
    setClock(pick([-5_000, 0, 5_000, 15_000], random)),
  "Kubernetes away": async ({ cluster }, forMs) => {
    cluster.proxy.refuse();
    await sleep(forMs);
    cluster.proxy.heal();
  },
  "Kubernetes cut": ({ cluster }) => cluster.proxy.cut(),
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
    // While nobody watches: whoever comes back asks for versions that are no more.
    cluster.proxy.refuse();
    await sleep(1_000);
    await cluster.compact();
    cluster.proxy.heal();
  },
};

async function faulty(
  prefect: FakePrefect1,
  effect: Parameters<FakePrefect1["fault"]>[0]["effect"],
  forMs: number,
): Promise<void> {
  // Every other request only: the flows speak to the same API, and nobody gets through a wall.
  let count = 0;
  const fault = prefect.fault({ effect, match: () => count++ % 2 === 0, times: Number.POSITIVE_INFINITY });
  await sleep(forMs);
  fault.remove();
}

/** Agents and APIs have their troubles side by side until time is up. Answers how often each came. */
export async function makeProblem(
  world: World,
  untilMs: number,
  chances: readonly [agents: () => number, apis: () => number],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map([...Object.keys(OF_AGENTS), ...Object.keys(OF_APIS)].map((name) => [name, 0]));
  const oneAfterAnother = async (troubles: Troubles, random: () => number): Promise<void> => {
    // All of them in an order by chance, and again: a short run meets as many as a lucky one.
    let left: string[] = [];
    while (performance.now() < untilMs) {
      await sleep(500 + 2_000 * random());
      if (left.length === 0) left = Object.keys(troubles);
      const name = pick(left, random);
      left = left.filter((other) => other !== name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      world.diary.said("chaos", `${name}: begins`);
      await troubles[name]?.(world, 1_000 + 4_000 * random(), random);
      world.diary.said("chaos", `${name}: over`);
    }
  };
  await Promise.all([oneAfterAnother(OF_AGENTS, chances[0]), oneAfterAnother(OF_APIS, chances[1])]);
  return counts;
}
