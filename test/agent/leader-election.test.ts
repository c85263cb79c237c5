import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { whileLeading } from "../../src/agent/leader-election.ts";
import { aborted, systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { KubeError } from "../../src/kube/client/errors.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";

/** A clock a thousand times as fast: seconds pass as milliseconds, for everybody in the test alike. */
const born = Date.now();
const fast: Clock = {
  now: () => new Date(born + (Date.now() - born) * 1_000),
  sleep: (ms, signal) => systemClock.sleep(ms / 1_000, signal),
};
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

type Through = Pick<KubeApi, "get" | "create" | "replace">;

function candidate(identity: string, through: Through = kube, clock: Clock = fast): Candidate {
  const stopping = new AbortController();
  const leads = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  const options = { kube: through, clock, log: silentLog, lease, identity, onWaiting: () => {} };
  const ended = whileLeading(options, stopping.signal, async (signal) => {
    leads.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    lost.resolve();
  });
  return { leads: leads.promise, lost: lost.promise, stop: () => stopping.abort(), ended };
}

async function holder(): Promise<unknown> {
  return (await kube.get("leases", lease))?.spec?.["holderIdentity"];
}

describe("whileLeading", () => {
  it("lets one work, and hands over when it ends in good order", async () => {
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
    // Time passes between tries alone, so that a slow machine proves nothing; deadlines end only when they are called off.
    let now = born;
    const target: Clock = {
      now: () => new Date(now),
      sleep: (ms, signal) => {
        if (ms !== 2_000 && signal !== undefined) return aborted(signal);
        now += ms;
        return systemClock.sleep(0, signal);
      },
    };
    const renewed = Promise.withResolvers<void>();
    let writes = 0;
    const through: Through = {
      get: (...args) => kube.get(...args),
      create: (...args) => kube.create(...args),
      replace: (...args) => {
        // Thrice the deadline by that clock.
        if (++writes === 15) renewed.resolve();
        return kube.replace(...args);
      },
    };
    const only = candidate("only", through, target);
    const first = await Promise.race([only.lost.then(() => "lost"), renewed.promise.then(() => "renewed")]);
    expect(first).toBe("renewed");
    only.stop();
    await only.ended;
  });

  it("takes over from a leader that died without a word", async () => {
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
    { how: "is refused", answer: () => Promise.reject(new Error("down")) },
    { how: "is not answered at all", answer: () => new Promise<never>(() => {}) },
  ])("stops working in time when its renewal $how", async ({ answer }) => {
    let broken = false;
    const through: Through = {
      get: (...args) => (broken ? answer() : kube.get(...args)),
      create: (...args) => kube.create(...args),
      replace: (...args) => kube.replace(...args),
    };
    const only = candidate("only", through);
    await only.leads;
    broken = true;
    const brokenAt = fast.now().getTime();
    await only.lost;
    // Its deadline has passed, so it had not given up at the first failure.
    expect(fast.now().getTime() - brokenAt).toBeGreaterThan(7_000);
    only.stop();
    await only.ended;
    expect(await holder()).toBe("only");
  });

  it("leads again when the server is back", async () => {
    let broken = false;
    const through: Through = {
      get: (...args) => (broken ? Promise.reject(new Error("down")) : kube.get(...args)),
      create: (...args) => kube.create(...args),
      replace: (...args) => kube.replace(...args),
    };
    const stopping = new AbortController();
    const leads = Promise.withResolvers<void>();
    let times = 0;
    const options = {
      kube: through,
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

  it("hands over when its work has failed, and fails as the work did", async () => {
    const options = { kube, clock: fast, log: silentLog, lease, identity: "broken", onWaiting: () => {} };
    const failing = whileLeading(options, new AbortController().signal, async () => {
      expect(await holder()).toBe("broken");
      throw new Error("no use");
    });
    await expect(failing).rejects.toThrow("no use");
    expect(await holder()).toBe("");
  });

  it.each([401, 403])("ends when the Lease is refused with %s, again and again", async (status) => {
    const refusal = new KubeError("read the Lease", "no", { status, reason: "no" });
    let asked = 0;
    const get = (): Promise<never> => {
      asked++;
      return Promise.reject(refusal);
    };
    const refused = { get, create: kube.create.bind(kube), replace: kube.replace.bind(kube) };
    const options = { kube: refused, clock: fast, log: silentLog, lease, identity: "x", onWaiting: () => {} };
    const ended = whileLeading(options, new AbortController().signal, () => Promise.resolve());
    await expect(ended).rejects.toBe(refusal);
    expect(asked).toBe(3);
  });

  it("counts waiting for another leader as progress, and leading not", async () => {
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
