import { TestClock } from "../../support/clock.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { runAll } from "../../../src/base/run-all.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { Reflector } from "../../../src/kube/cache/reflector.ts";
import type { ReflectorOptions } from "../../../src/kube/cache/reflector.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../../fakes/kubernetes/fake-kubernetes.ts";
import { jobBody } from "../../fakes/kubernetes/tests/with-fake.ts";

type Options = ReflectorOptions<"jobs", Job>;

/** Sleeps a hundredth of the requested time, and records the requested times. */
class FastClock extends TestClock {
  override random(): number {
    return 0;
  }
  readonly sleeps: number[] = [];
  now(): Date {
    return new Date();
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    return systemClock.sleep(ms / 100, signal);
  }
}

interface ReflectorTest {
  readonly fake: FakeKubernetes;
  readonly reflector: Reflector<"jobs", Job>;
  readonly clock: FastClock;
  readonly outages: unknown[];
  readonly recoveries: number;
  readonly changes: string[];
  /** Resolves with the error of run(), if any. */
  readonly ended: Promise<unknown>;
  readonly stop: AbortController;
  readonly add: (name: string) => void;
  /** Resolves when the cache holds exactly these Jobs. */
  readonly holds: (...names: string[]) => Promise<void>;
  /** Resolves when the condition is true; checked after every activity and outage. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

async function kubeOf(fake: FakeKubernetes): Promise<KubeApi> {
  const { kube } = await connectKube(
    { kubeconfig: "config" },
    {
      env: {},
      home: "/",
      clock: systemClock,
      readFile: (path) => (path.endsWith("config") ? fake.kubeconfig() : undefined),
      userAgent: "test",
    },
  );
  return kube;
}

async function watching(
  setup: {
    readonly options?: Partial<Options>;
    readonly fake?: FakeKubernetesOptions;
    readonly jobs?: readonly string[];
  } = {},
): Promise<ReflectorTest> {
  const fake = await startFakeKubernetes({ controller: false, bookmarkMs: 20, ...setup.fake });
  const kube = await kubeOf(fake);
  const clock = new FastClock();
  const stop = new AbortController();
  const outages: unknown[] = [];
  const changes: string[] = [];
  const seen = { recoveries: 0 };
  const checks = new Set<() => void>();
  const runChecks = (): void => {
    for (const check of checks) check();
  };
  const { onOutage, ...options } = setup.options ?? {};
  const reflector = new Reflector<"jobs", Job>({
    kube,
    clock,
    resource: "jobs",
    query: { namespace: "default" },
    transform: (job) => job,
    relistMs: 600_000,
    onActivity: runChecks,
    ...options,
    onChange: (change) => {
      changes.push(`${change.type} ${change.object.metadata.name}`);
    },
    onOutage: (error, failures) => {
      outages.push(error);
      runChecks();
      onOutage?.(error, failures);
    },
    onRecovery: () => {
      seen.recoveries++;
    },
  });
  const add = (name: string): void => {
    fake.put("jobs", {
      ...(jobBody(name) as { metadata: object }),
      metadata: { name, namespace: "default" },
    });
  };
  for (const name of setup.jobs ?? []) add(name);
  const ended = reflector.run(stop.signal).catch((error: unknown) => error);
  onTestFinished(async () => {
    stop.abort();
    await ended;
    kube.close();
    await fake.stop();
  });
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        checks.delete(check);
        resolve();
      };
      checks.add(check);
      check();
    });
  const names = (): string =>
    [...reflector.values()]
      .map(({ metadata }) => metadata.name)
      .sort()
      .join();
  return {
    fake,
    reflector,
    clock,
    outages,
    get recoveries() {
      return seen.recoveries;
    },
    changes,
    ended,
    stop,
    add,
    until,
    holds: (...wanted) => until(() => names() === wanted.sort().join()),
  };
}

const lists = (fake: FakeKubernetes): number => fake.requests.count({ verb: "list", resource: "jobs" });
const watches = (fake: FakeKubernetes): number => fake.requests.count({ verb: "watch", resource: "jobs" });

describe("a reflector", () => {
  it("lists the objects, then follows changes", async () => {
    const { fake, add, holds, reflector, changes } = await watching({ jobs: ["a"] });
    await reflector.synced;
    add("b");
    await holds("a", "b");
    fake.remove("jobs", "default", "a");
    await holds("b");
    expect(changes).toEqual(["set a", "set b", "gone a"]);
    expect([lists(fake), watches(fake)]).toEqual([1, 1]);
  });

  it("keeps only the transformed objects, none for undefined", async () => {
    const transform = (job: Job): Job | undefined =>
      job.metadata.name === "a" ? { ...job, spec: {} } : undefined;
    const { reflector } = await watching({ jobs: ["a", "b"], options: { transform } });
    await reflector.synced;
    expect([...reflector.values()].map(({ metadata, spec }) => [metadata.name, spec])).toEqual([["a", {}]]);
  });

  it.each([500, 429, 403])(
    "recovers from responses with status %i, and reports the recovery once",
    async (status) => {
      const test = await watching({ jobs: ["a"] });
      await test.reflector.synced;
      test.fake.fault({ times: 2, effect: { kind: "status", status } });
      test.fake.dropWatches();
      test.add("b");
      await test.holds("a", "b");
      expect(test.outages.length).toBeGreaterThanOrEqual(2);
      expect(test.recoveries).toBe(1);
    },
  );

  it("waits for Retry-After", async () => {
    const { clock, until, outages, fake } = await watching();
    fake.fault({
      match: ({ verb }) => verb === "watch",
      effect: { kind: "status", status: 429, retryAfterSeconds: 7 },
    });
    fake.dropWatches();
    await until(() => outages.some((error) => error instanceof KubeError && error.status === 429));
    expect(clock.sleeps).toContain(7_000);
  });

  it("resumes the watch after a lost connection, without a new list", async () => {
    const { fake, reflector, holds, add } = await watching({ jobs: ["a"] });
    await reflector.synced;
    fake.dropWatches();
    add("b");
    await holds("a", "b");
    expect(lists(fake)).toBe(1);
  });

  it("lists again after 410, and finds what was deleted in the meantime", async () => {
    const { fake, reflector, holds, add, changes, outages } = await watching({ jobs: ["a", "b"] });
    await reflector.synced;
    await fake.pause();
    fake.remove("jobs", "default", "a");
    add("c");
    fake.compact();
    await fake.resume();
    await holds("b", "c");
    expect(changes.toSorted()).toEqual(["gone a", "set a", "set b", "set c"]);
    expect(outages.every((error) => error instanceof KubeError && error.status !== 410)).toBe(true);
  });

  it("backs off when every watch ends with 410", async () => {
    const { fake, clock, until } = await watching();
    fake.fault({
      match: ({ verb }) => verb === "watch",
      times: Infinity,
      effect: { kind: "status", status: 410 },
    });
    fake.dropWatches();
    await until(() => lists(fake) > 6);
    expect(clock.sleeps.slice(-5).every((ms) => ms >= 250)).toBe(true);
    expect(clock.sleeps.at(-1)).toBeGreaterThan(clock.sleeps.at(-3) ?? 0);
  });

  it("reconnects after the idle timeout", async () => {
    const { fake, reflector, holds, add } = await watching({ jobs: ["a"], options: { idleMs: 100 } });
    await reflector.synced;
    await reflector.synced;
    add("b");
    await holds("a", "b");
    fake.muteWatches();
    add("c");
    await holds("a", "b", "c");
    expect(watches(fake)).toBeGreaterThan(1);
  });

  it("recovers after the server was down", async () => {
    const test = await watching({ jobs: ["a"] });
    await test.reflector.synced;
    await test.fake.pause();
    await test.until(() => test.outages.length >= 3);
    test.add("b");
    await test.fake.resume();
    await test.holds("a", "b");
    expect(test.recoveries).toBe(1);
  });

  it("relists periodically, and reports no change for unchanged objects", async () => {
    const { fake, until, changes } = await watching({ jobs: ["a"], options: { relistMs: -1 } });
    for (let n = 0; n < 3; n++) {
      const before = lists(fake);
      fake.dropWatches();
      await until(() => lists(fake) > before && fake.watchCount > 0);
    }
    expect(changes).toEqual(["set a"]);
  });

  it("pauses when every watch ends at once", async () => {
    const { fake, clock } = await watching();
    const kube = await kubeOf(fake);
    const ended: number[] = [];
    const stop = new AbortController();
    const reflector = new Reflector<"jobs", Job>({
      kube: {
        listPage: (...args) => kube.listPage(...args),
        watch: () => {
          ended.push(1);
          if (ended.length === 4) stop.abort();
          return (async function* () {})();
        },
      },
      clock,
      resource: "jobs",
      query: { namespace: "default" },
      transform: (job) => job,
      onChange: () => {},
      relistMs: 600_000,
    });
    await reflector.run(stop.signal);
    kube.close();
    expect(clock.sleeps.filter((ms) => ms > 900 && ms <= 1_000)).toHaveLength(4);
  });

  it("reads long lists in pages", async () => {
    const jobs = Array.from({ length: 1_100 }, (_, n) => `job-${n}`);
    const { fake, reflector } = await watching({ jobs });
    await reflector.synced;
    expect(reflector.size).toBe(1_100);
    expect(lists(fake)).toBe(3);
  });

  it("stops with the error that onOutage throws", async () => {
    const refused = new Error("refused for good");
    const test = await watching({
      options: {
        onOutage: (_error, failures) => {
          if (failures === 3) throw refused;
        },
      },
    });
    test.fake.forbid({ verbs: ["watch"], resources: ["jobs"] });
    test.fake.dropWatches();
    expect(await test.ended).toBe(refused);
  });
});

describe("several reflectors", () => {
  it("all stop when one stops with an error", async () => {
    const fake = await startFakeKubernetes({ controller: false });
    const kube = await kubeOf(fake);
    onTestFinished(async () => {
      kube.close();
      await fake.stop();
    });
    const reflectorOf = (
      resource: "jobs" | "pods",
      onOutage: Options["onOutage"],
    ): Reflector<"jobs" | "pods", Job> =>
      new Reflector({
        kube,
        clock: new FastClock(),
        resource,
        query: { namespace: "default" },
        transform: (object) => object as Job,
        onChange: () => {},
        onOutage,
        relistMs: 600_000,
      });
    const jobs = reflectorOf("jobs", undefined);
    const pods = reflectorOf("pods", (error) => {
      throw error;
    });
    fake.fault({
      match: ({ resource }) => resource === "pods",
      times: Infinity,
      effect: { kind: "status", status: 403 },
    });
    const both = runAll(
      new AbortController().signal,
      (s) => jobs.run(s),
      (s) => pods.run(s),
    );
    await expect(both).rejects.toMatchObject({ name: "KubeError", status: 403, exitCode: 4 });
  });
});
