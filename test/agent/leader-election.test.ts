import { clockOf, fastClock } from "../support/clock.ts";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { whileLeading } from "../../src/agent/leader-election.ts";
import { aborted, systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { AnyObject } from "../../src/kube/client/objects.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

// Its deadlines must be far away for a busy machine: releasing the Lease gets a second.
const fast = fastClock(10);
const lease = { name: "prefect-agent", namespace: "default" };

let fake: FakeKubernetes;
let kube: KubeApi;

beforeEach(async () => {
  fake = await startFakeKubernetes();
  const kubeconfig = fake.kubeconfig();
  const readFile = (path: string): string | undefined => (path === "/kubeconfig" ? kubeconfig : undefined);
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  kube = (await connectKube({ kubeconfig: "/kubeconfig" }, deps)).kube;
});

afterEach(async () => {
  kube.close();
  await fake.stop();
});

interface Candidate {
  readonly leads: Promise<void>;
  readonly lost: Promise<void>;
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

type LeaseApi = Pick<KubeApi, "get" | "create" | "replace">;

function candidate(identity: string, api: LeaseApi = kube, clock: Clock = fast): Candidate {
  const stopping = new AbortController();
  const leads = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  const options = { kube: api, clock, log: silentLog, lease, identity, onWaiting: () => {} };
  const ended = whileLeading(options, stopping.signal, async (signal) => {
    leads.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    lost.resolve();
  });
  return { leads: leads.promise, lost: lost.promise, stop: () => stopping.abort(), ended };
}

async function passTimeUntil(clock: VirtualClock, event: Promise<void>): Promise<void> {
  const over = event.then(() => true);
  while (!(await Promise.race([over, clock.advance()]))) continue;
}

async function holder(): Promise<unknown> {
  return (await kube.get("leases", lease))?.spec?.["holderIdentity"];
}

describe("whileLeading", () => {
  it("lets one candidate work, and releases the Lease on a clean shutdown", async () => {
    const first = candidate("first");
    await first.leads;
    expect(await holder()).toBe("first");
    const second = candidate("second");
    first.stop();
    await first.ended;
    await second.leads;
    expect(await holder()).toBe("second");
    second.stop();
    await second.ended;
    expect(await holder()).toBe("");
  });

  it("keeps the lead for as long as its renewals succeed", async () => {
    // Only the waits between renewals advance this clock, so that a slow machine cannot miss a deadline.
    let now = Date.now();
    const target: Clock = clockOf({
      now: () => new Date(now),
      sleep: (ms, signal) => {
        if (ms !== 2_000 && signal !== undefined) return aborted(signal);
        now += ms;
        return systemClock.sleep(0, signal);
      },
    });
    const renewed = Promise.withResolvers<void>();
    let writes = 0;
    const api: LeaseApi = {
      get: (...args) => kube.get(...args),
      create: (...args) => kube.create(...args),
      replace: (...args) => {
        // Three times the deadline by that clock.
        if (++writes === 15) renewed.resolve();
        return kube.replace(...args);
      },
    };
    const only = candidate("only", api, target);
    const first = await Promise.race([only.lost.then(() => "lost"), renewed.promise.then(() => "renewed")]);
    expect(first).toBe("renewed");
    only.stop();
    await only.ended;
  });

  it("takes over from a leader that crashed", async () => {
    const spec = { holderIdentity: "dead", leaseDurationSeconds: 15, leaseTransitions: 4 };
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: lease.name },
      spec,
    };
    await kube.create("leases", body, { namespace: lease.namespace });
    const next = candidate("next");
    await next.leads;
    expect((await kube.get("leases", lease))?.spec).toMatchObject({
      holderIdentity: "next",
      leaseTransitions: 5,
    });
    next.stop();
    await next.ended;
  });

  it.each([
    { how: "fails", renew: () => Promise.reject(new Error("down")) },
    { how: "gets no response", renew: () => new Promise<never>(() => {}) },
  ])("stops working in time when its renewal $how", async ({ renew }) => {
    let broken = false;
    const api: LeaseApi = {
      get: (...args) => (broken ? renew() : kube.get(...args)),
      create: (...args) => kube.create(...args),
      replace: (...args) => kube.replace(...args),
    };
    const clock = new VirtualClock();
    const only = candidate("only", api, clock);
    await only.leads;
    broken = true;
    const brokenAtMs = clock.now().getTime();
    let afterMs = 0;
    void only.lost.then(() => {
      afterMs = clock.now().getTime() - brokenAtMs;
      only.stop();
    });
    await passTimeUntil(clock, only.ended);
    // Not at the first failure, but before the Lease of 15 s expires and another candidate takes it.
    expect(afterMs).toBeGreaterThan(7_000);
    expect(afterMs).toBeLessThan(15_000);
    expect(await holder()).toBe("only");
  });

  it("leads again when the API server is back", async () => {
    let broken = false;
    const api: LeaseApi = {
      get: (...args) => (broken ? Promise.reject(new Error("down")) : kube.get(...args)),
      create: (...args) => kube.create(...args),
      replace: (...args) => kube.replace(...args),
    };
    const stopping = new AbortController();
    const leads = Promise.withResolvers<void>();
    let times = 0;
    const options = {
      kube: api,
      clock: fast,
      log: silentLog,
      lease,
      identity: "only",
      onWaiting: () => {},
    };
    const ended = whileLeading(options, stopping.signal, async (signal) => {
      times++;
      broken = times === 1;
      if (times === 2) leads.resolve();
      await aborted(signal);
      broken = false;
    });
    await leads.promise;
    stopping.abort();
    await ended;
    expect(times).toBe(2);
    expect(await holder()).toBe("");
  });

  it("ends at once while it waits for a server that does not answer", async () => {
    const asked = Promise.withResolvers<void>();
    const never = new Promise<never>(() => {});
    const get = (): Promise<never> => {
      asked.resolve();
      return never;
    };
    const waiting = candidate("standby", { get, create: () => never, replace: () => never });
    await asked.promise;
    waiting.stop();
    expect(await waiting.ended).toBeUndefined();
  });

  it("takes no more memory the longer it waits", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const stopping = new AbortController();
    const used: number[] = [];
    let waits = 0;
    // Six hours, twice.
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (ms !== 2_000) return aborted(signal ?? stopping.signal);
      if (++waits % 10_000 !== 0) return;
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      used.push(process.memoryUsage().heapUsed);
      if (used.length === 2) stopping.abort();
    };
    const clock = clockOf({ now: () => new Date(0), sleep });
    const metadata = {
      uid: "u",
      resourceVersion: "1",
      name: lease.name,
      namespace: "",
      creationTimestamp: "",
    };
    const held = { metadata, spec: { holderIdentity: "other" } } as AnyObject;
    const api = { get: () => Promise.resolve(held) } as unknown as LeaseApi;
    const options = { kube: api, clock, log: silentLog, lease, identity: "standby", onWaiting: () => {} };
    await whileLeading(options, stopping.signal, () => Promise.resolve());
    const [before = 0, after = 0] = used;
    expect(after - before).toBeLessThan(1_000_000);
  });

  it("releases the Lease when its work fails, and throws the work's error", async () => {
    const options = { kube, clock: fast, log: silentLog, lease, identity: "broken", onWaiting: () => {} };
    const failing = whileLeading(options, new AbortController().signal, async () => {
      expect(await holder()).toBe("broken");
      throw new Error("no use");
    });
    await expect(failing).rejects.toThrow("no use");
    expect(await holder()).toBe("");
  });

  it("reports progress while it waits for another leader, but not while it leads", async () => {
    const first = candidate("first");
    await first.leads;
    const waited = Promise.withResolvers<void>();
    let progress = 0;
    const onWaiting = (): void => {
      progress++;
      waited.resolve();
    };
    const stopping = new AbortController();
    const options = { kube, clock: fast, log: silentLog, lease, identity: "second", onWaiting };
    const leads = Promise.withResolvers<number>();
    const ended = whileLeading(options, stopping.signal, async (signal) => {
      const before = progress;
      // Several renewals later.
      await fast.sleep(8_000);
      leads.resolve(progress - before);
      await aborted(signal);
    });
    await waited.promise;
    first.stop();
    await first.ended;
    expect(await leads.promise).toBe(0);
    stopping.abort();
    await ended;
  });
});
