import { describe, expect, it, onTestFinished } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { runAll } from "../../../src/base/run-all.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { Reflector } from "../../../src/kube/cache/reflector.ts";
import type { ReflectorOptions } from "../../../src/kube/cache/reflector.ts";
import { transformJob } from "../../../src/kube/cache/transform.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../../fakes/kubernetes/fake-kubernetes.ts";
import { jobBody } from "../../fakes/kubernetes/tests/with-fake.ts";

type Options = ReflectorOptions<"jobs", Job>;

/** Real time, but back-offs and pauses last a hundredth of what was asked; what was asked is kept. */
class HastyClock implements Clock {
  readonly asked: number[] = [];
  now(): Date {
    return new Date();
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.asked.push(ms);
    return systemClock.sleep(ms / 100, signal);
  }
}

interface World {
  readonly fake: FakeKubernetes;
  readonly reflector: Reflector<"jobs", Job>;
  readonly clock: HastyClock;
  readonly outages: unknown[];
  readonly recoveries: number;
  readonly changes: string[];
  /** What run() came to. */
  readonly ended: Promise<unknown>;
  readonly stop: AbortController;
  readonly add: (name: string) => void;
  /** Resolves when the cache holds exactly these Jobs. */
  readonly holds: (...names: string[]) => Promise<void>;
  /** Resolves when this is so; looked at after every change and outage. */
  readonly until: (what: () => boolean) => Promise<void>;
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
  given: {
    readonly options?: Partial<Options>;
    readonly fake?: FakeKubernetesOptions;
    readonly jobs?: readonly string[];
  } = {},
): Promise<World> {
  const fake = await startFakeKubernetes({ controller: false, bookmarkMs: 20, ...given.fake });
  const kube = await kubeOf(fake);
  const clock = new HastyClock();
  const stop = new AbortController();
  const outages: unknown[] = [];
  const changes: string[] = [];
  const seen = { recoveries: 0 };
  const looks = new Set<() => void>();
  const look = (): void => {
    for (const one of looks) one();
  };
  const { onOutage, ...options } = given.options ?? {};
  const reflector = new Reflector<"jobs", Job>({
    kube,
    clock,
    resource: "jobs",
    query: { namespace: "default" },
    keep: transformJob,
    relistMs: 600_000,
    random: () => 0,
    onHeard: look,
    ...options,
    onChange: (change) => {
      changes.push(`${change.type} ${change.object.metadata.name}`);
    },
    onOutage: (error, failures) => {
      outages.push(error);
      look();
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
  for (const name of given.jobs ?? []) add(name);
  const ended = reflector.run(stop.signal).catch((error: unknown) => error);
  onTestFinished(async () => {
    stop.abort();
    await ended;
    kube.close();
    await fake.stop();
  });
  const until = (what: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const one = (): void => {
        if (!what()) return;
        looks.delete(one);
        resolve();
      };
      looks.add(one);
      one();
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
  it("lists what is there, then follows what comes and goes", async () => {
    const { fake, add, holds, reflector, changes } = await watching({ jobs: ["a"] });
    await reflector.synced;
    add("b");
    await holds("a", "b");
    fake.remove("jobs", "default", "a");
    await holds("b");
    expect(changes).toEqual(["set a", "set b", "gone a"]);
    expect([lists(fake), watches(fake)]).toEqual([1, 1]);
  });

  it("keeps of an object only what decisions read", async () => {
    const { reflector } = await watching({ jobs: ["a"] });
    await reflector.synced;
    const [job] = reflector.values();
    expect(job?.spec).toEqual({ backoffLimit: 0, parallelism: 1, completions: 1, suspend: false });
    expect(Object.keys(job ?? {}).sort()).toEqual(["metadata", "spec", "status"]);
    expect(job?.metadata.labels).not.toHaveProperty("app");
  });

  it.each([500, 429, 403])("rides out a while of answers %i, and says so once it is over", async (status) => {
    const world = await watching({ jobs: ["a"] });
    await world.reflector.synced;
    world.fake.faults.add({ times: 2, action: { kind: "answer", status } });
    world.fake.dropWatches();
    world.add("b");
    await world.holds("a", "b");
    expect(world.outages.length).toBeGreaterThanOrEqual(2);
    expect(world.recoveries).toBe(1);
  });

  it("waits as long as the server asks", async () => {
    const { clock, until, outages, fake } = await watching();
    fake.faults.add({
      match: ({ verb }) => verb === "watch",
      action: { kind: "answer", status: 429, retryAfterSeconds: 7 },
    });
    fake.dropWatches();
    await until(() => outages.some((error) => error instanceof KubeError && error.status === 429));
    expect(clock.asked).toContain(7_000);
  });

  it("goes on from where it was after its connection was cut, without a new list", async () => {
    const { fake, reflector, holds, add } = await watching({ jobs: ["a"] });
    await reflector.synced;
    fake.dropWatches();
    add("b");
    await holds("a", "b");
    expect(lists(fake)).toBe(1);
  });

  it("lists anew after 410, and learns from the list what was deleted meanwhile", async () => {
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

  it("does not spin against a server that answers every watch with 410", async () => {
    const { fake, clock, until } = await watching();
    fake.faults.add({
      match: ({ verb }) => verb === "watch",
      times: Infinity,
      action: { kind: "answer", status: 410 },
    });
    fake.dropWatches();
    await until(() => lists(fake) > 6);
    expect(clock.asked.slice(-5).every((ms) => ms >= 250)).toBe(true);
    expect(clock.asked.at(-1)).toBeGreaterThan(clock.asked.at(-3) ?? 0);
  });

  it("notices a connection that has gone silent", async () => {
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

  it("comes back when the server was away", async () => {
    const world = await watching({ jobs: ["a"] });
    await world.reflector.synced;
    await world.fake.pause();
    await world.until(() => world.outages.length >= 3);
    world.add("b");
    await world.fake.resume();
    await world.holds("a", "b");
    expect(world.recoveries).toBe(1);
  });

  it("takes a list now and then as the truth, and finds no news in what it knows", async () => {
    const { fake, until, changes } = await watching({ jobs: ["a"], options: { relistMs: -1 } });
    for (let n = 0; n < 3; n++) {
      const before = lists(fake);
      fake.dropWatches();
      await until(() => lists(fake) > before && fake.watchCount > 0);
    }
    expect(changes).toEqual(["set a"]);
  });

  it("does not spin when every watch ends at once", async () => {
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
      keep: transformJob,
      onChange: () => {},
      relistMs: 600_000,
    });
    await reflector.run(stop.signal);
    kube.close();
    expect(clock.asked.filter((ms) => ms > 900 && ms <= 1_000)).toHaveLength(4);
  });

  it("pages through long lists", async () => {
    const jobs = Array.from({ length: 1_100 }, (_, n) => `job-${n}`);
    const { fake, reflector } = await watching({ jobs });
    await reflector.synced;
    expect(reflector.size).toBe(1_100);
    expect(lists(fake)).toBe(3);
  });

  it("ends with what onOutage throws", async () => {
    const refused = new Error("refused for good");
    const world = await watching({
      options: {
        onOutage: (_error, failures) => {
          if (failures === 3) throw refused;
        },
      },
    });
    world.fake.forbid({ verbs: ["watch"], resources: ["jobs"] });
    world.fake.dropWatches();
    expect(await world.ended).toBe(refused);
  });
});

describe("reflectors together", () => {
  it("stop all when one is refused for good, and tell why", async () => {
    const fake = await startFakeKubernetes({ controller: false });
    const kube = await kubeOf(fake);
    onTestFinished(async () => {
      kube.close();
      await fake.stop();
    });
    const made = (
      resource: "jobs" | "pods",
      onOutage: Options["onOutage"],
    ): Reflector<"jobs" | "pods", Job> =>
      new Reflector({
        kube,
        clock: new HastyClock(),
        resource,
        query: { namespace: "default" },
        keep: (object) => object as Job,
        onChange: () => {},
        onOutage,
        relistMs: 600_000,
      });
    const jobs = made("jobs", undefined);
    const pods = made("pods", (error) => {
      throw error;
    });
    fake.faults.add({
      match: ({ resource }) => resource === "pods",
      times: Infinity,
      action: { kind: "answer", status: 403 },
    });
    const both = runAll(
      new AbortController().signal,
      (s) => jobs.run(s),
      (s) => pods.run(s),
    );
    await expect(both).rejects.toMatchObject({ name: "KubeError", status: 403, exitCode: 4 });
  });
});
