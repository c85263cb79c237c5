// The faults of the chaos test: of agents and of both APIs, each for a while.

import { setTimeout as sleep } from "node:timers/promises";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Agents } from "./agents.ts";
import type { ChaosCluster } from "./cluster.ts";
import type { EventLog } from "./event-log.ts";
import type { Proxy } from "./proxy.ts";
import { pick } from "./random.ts";

export interface ChaosContext {
  readonly prefect: FakePrefect1;
  /** Agents and flows reach Prefect through it. */
  readonly prefectProxy: Proxy;
  readonly cluster: ChaosCluster;
  readonly agents: Agents;
  readonly eventLog: EventLog;
  /** Sets the offset of the fake Prefect's clock. */
  readonly setClock: (offsetMs: number) => void;
}

type Fault = (context: ChaosContext, forMs: number, random: () => number) => Promise<void> | void;
type Faults = Readonly<Record<string, Fault>>;

/** Faults of agents, by their name in the report. */
const AGENT_FAULTS: Faults = {
  "agent killed": async ({ agents }) => {
    await agents.end("one", "SIGKILL");
    agents.start("one");
  },
  "agent restarted": async ({ agents }) => {
    await agents.end("one", "SIGTERM");
    agents.start("one");
  },
  "agent stopped for a while": async ({ agents }, forMs) => {
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

/** Faults of the two APIs. */
const API_FAULTS: Faults = {
  "Prefect unavailable": async ({ prefect }, forMs) => {
    await prefect.pause();
    await sleep(forMs);
    await prefect.resume();
  },
  "Prefect connections cut": ({ prefectProxy }) => prefectProxy.cut(),
  "Prefect frozen": async ({ prefectProxy }, forMs) => {
    prefectProxy.freeze();
    await sleep(forMs);
    prefectProxy.repair();
  },
  "Prefect slow": async ({ prefectProxy }, forMs) => {
    prefectProxy.slow(300);
    await sleep(forMs);
    prefectProxy.repair();
  },
  "Prefect returns 500": ({ prefect }, forMs) => withFault(prefect, { kind: "status", status: 500 }, forMs),
  "Prefect returns 429": ({ prefect }, forMs) =>
    withFault(prefect, { kind: "status", status: 429, retryAfter: "1" }, forMs),
  "Prefect responses lost": ({ prefect }, forMs) => withFault(prefect, { kind: "cut", when: "after" }, forMs),
  "Prefect's clock stepped": ({ setClock }, _forMs, random) =>
    setClock(pick([-5_000, 0, 5_000, 15_000], random)),
  "Kubernetes unavailable": async ({ cluster }, forMs) => {
    cluster.proxy.refuse();
    await sleep(forMs);
    cluster.proxy.repair();
  },
  "Kubernetes connections cut": ({ cluster }) => cluster.proxy.cut(),
  "Kubernetes frozen": async ({ cluster }, forMs) => {
    cluster.proxy.freeze();
    await sleep(forMs);
    cluster.proxy.repair();
  },
  "Kubernetes slow": async ({ cluster }, forMs) => {
    cluster.proxy.slow(300);
    await sleep(forMs);
    cluster.proxy.repair();
  },
  "history compacted": async ({ cluster }) => {
    // While no watch is open, so that new watches ask for compacted versions.
    cluster.proxy.refuse();
    await sleep(1_000);
    await cluster.compact();
    cluster.proxy.repair();
  },
};

async function withFault(
  prefect: FakePrefect1,
  effect: Parameters<FakePrefect1["fault"]>[0]["effect"],
  forMs: number,
): Promise<void> {
  // Only every other request fails, so that retries of agents and flows can succeed.
  let count = 0;
  const fault = prefect.fault({ effect, match: () => count++ % 2 === 0, times: Number.POSITIVE_INFINITY });
  await sleep(forMs);
  fault.remove();
}

/** Injects faults of agents and of APIs in parallel until this time. Returns how often each occurred. */
export async function injectFaults(
  context: ChaosContext,
  untilMs: number,
  randoms: readonly [agents: () => number, apis: () => number],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map([...Object.keys(AGENT_FAULTS), ...Object.keys(API_FAULTS)].map((name) => [name, 0]));
  const oneAfterAnother = async (faults: Faults, random: () => number): Promise<void> => {
    // All faults in random order, then again, so that a short run has as many kinds as possible.
    let remaining: string[] = [];
    while (performance.now() < untilMs) {
      await sleep(500 + 2_000 * random());
      if (remaining.length === 0) remaining = Object.keys(faults);
      const name = pick(remaining, random);
      remaining = remaining.filter((other) => other !== name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      context.eventLog.write("chaos", `${name}: begins`);
      await faults[name]?.(context, 1_000 + 4_000 * random(), random);
      context.eventLog.write("chaos", `${name}: ends`);
    }
  };
  await Promise.all([oneAfterAnother(AGENT_FAULTS, randoms[0]), oneAfterAnother(API_FAULTS, randoms[1])]);
  return counts;
}
