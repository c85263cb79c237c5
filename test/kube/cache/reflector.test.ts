import { describe, expect, it, onTestFinished } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { together } from "../../../src/base/run-all.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { Reflector } from "../../../src/kube/cache/reflector.ts";
import type { ReflectorOptions } from "../../../src/kube/cache/reflector.ts";
import { slimJob } from "../../../src/kube/cache/transform.ts";
import { startKubeStandin } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { KubeStandin, KubeStandinOptions } from "../../fakes/kubernetes/fake-kubernetes.ts";
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
  readonly standin: KubeStandin;
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

async function kubeOf(standin: KubeStandin): Promise<KubeApi> {
  const { kube } = await connectKube(
    { kubeconfig: "config" },
    {
      env: {},
      home: "/",
      clock: systemClock,
      readFile: (path) => (path.endsWith("config") ? standin.kubeconfig() : undefined),
      userAgent: "test",
    },
  );
  return kube;
}

async function watching(
  given: {
    readonly options?: Partial<Options>;
    readonly standin?: KubeStandinOptions;
    readonly jobs?: readonly string[];
  } = {},
): Promise<World> {
  const standin = await startKubeStandin({ controller: false, bookmarkMs: 20, ...given.standin });
  const kube = await kubeOf(standin);
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
    keep: slimJob,
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
    standin.put("jobs", {
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
    await standin.stop();
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
    standin,
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

const lists = (standin: KubeStandin): number => standin.requests.count({ verb: "list", resource: "jobs" });
const watches = (standin: KubeStandin): number => standin.requests.count({ verb: "watch", resource: "jobs" });

describe("a reflector", () => {
  it("lists what is there, then follows what comes and goes", async () => {
    const { standin, add, holds, reflector, changes } = await watching({ jobs: ["a"] });
    await reflector.synced;
    add("b");
    await holds("a", "b");
    standin.remove("jobs", "default", "a");
    await holds("b");
    expect(changes).toEqual(["set a", "set b", "gone a"]);
    expect([lists(standin), watches(standin)]).toEqual([1, 1]);
  });

  it("keeps of an object only what verdicts read", async () => {
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
    world.standin.faults.add({ times: 2, action: { kind: "answer", status } });
    world.standin.dropWatches();
    world.add("b");
    await world.holds("a", "b");
    expect(world.outages.length).toBeGreaterThanOrEqual(2);
    expect(world.recoveries).toBe(1);
  });

  it("waits as long as the server asks", async () => {
    const { clock, until, outages, standin } = await watching();
    standin.faults.add({
      match: ({ verb }) => verb === "watch",
      action: { kind: "answer", status: 429, retryAfterSeconds: 7 },
    });
    standin.dropWatches();
    await until(() => outages.some((error) => error instanceof KubeError && error.status === 429));
    expect(clock.asked).toContain(7_000);
  });

  it("goes on from where it was after its connection was cut, without a new list", async () => {
    const { standin, reflector, holds, add } = await watching({ jobs: ["a"] });
    await reflector.synced;
    standin.dropWatches();
    add("b");
    await holds("a", "b");
    expect(lists(standin)).toBe(1);
  });

  it("lists anew after 410, and learns from the list what was deleted meanwhile", async () => {
    const { standin, reflector, holds, add, changes, outages } = await watching({ jobs: ["a", "b"] });
    await reflector.synced;
    await standin.pause();
    standin.remove("jobs", "default", "a");
    add("c");
    standin.compact();
    await standin.resume();
    await holds("b", "c");
    expect(changes.toSorted()).toEqual(["gone a", "set a", "set b", "set c"]);
    expect(outages.every((error) => error instanceof KubeError && error.status !== 410)).toBe(true);
  });

  it("does not spin against a server that answers every watch with 410", async () => {
    const { standin, clock, until } = await watching();
    standin.faults.add({
      match: ({ verb }) => verb === "watch",
      times: Infinity,
      action: { kind: "answer", status: 410 },
    });
    standin.dropWatches();
    await until(() => lists(standin) > 6);
    expect(clock.asked.slice(-5).every((ms) => ms >= 250)).toBe(true);
    expect(clock.asked.at(-1)).toBeGreaterThan(clock.asked.at(-3) ?? 0);
  });

  it("notices a connection that has gone silent", async () => {
    const { standin, reflector, holds, add } = await watching({ jobs: ["a"], options: { idleMs: 100 } });
    await reflector.synced;
    await reflector.synced;
    add("b");
    await holds("a", "b");
    standin.muteWatches();
    add("c");
    await holds("a", "b", "c");
    expect(watches(standin)).toBeGreaterThan(1);
  });

  it("comes back when the server was away", async () => {
    const world = await watching({ jobs: ["a"] });
    await world.reflector.synced;
    await world.standin.pause();
    await world.until(() => world.outages.length >= 3);
    world.add("b");
    await world.standin.resume();
    await world.holds("a", "b");
    expect(world.recoveries).toBe(1);
  });

  it("takes a list now and then as the truth, and finds no news in what it knows", async () => {
    const { standin, until, changes } = await watching({ jobs: ["a"], options: { relistMs: -1 } });
    for (let n = 0; n < 3; n++) {
      const before = lists(standin);
      standin.dropWatches();
      await until(() => lists(standin) > before && standin.watchCount > 0);
    }
    expect(changes).toEqual(["set a"]);
  });

  it("does not spin when every watch ends at once", async () => {
    const { standin, clock } = await watching();
    const kube = await kubeOf(standin);
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
      keep: slimJob,
      onChange: () => {},
      relistMs: 600_000,
    });
    await reflector.run(stop.signal);
    kube.close();
    expect(clock.asked.filter((ms) => ms > 900 && ms <= 1_000)).toHaveLength(4);
  });

  it("pages through long lists", async () => {
    const jobs = Array.from({ length: 1_100 }, (_, n) => `job-${n}`);
    const { standin, reflector } = await watching({ jobs });
    await reflector.synced;
    expect(reflector.size).toBe(1_100);
    expect(lists(standin)).toBe(3);
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
    world.standin.forbid({ verbs: ["watch"], resources: ["jobs"] });
    world.standin.dropWatches();
    expect(await world.ended).toBe(refused);
  });
});

describe("reflectors together", () => {
  it("stop all when one is refused for good, and tell why", async () => {
    const standin = await startKubeStandin({ controller: false });
    const kube = await kubeOf(standin);
    onTestFinished(async () => {
      kube.close();
      await standin.stop();
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
    standin.faults.add({
      match: ({ resource }) => resource === "pods",
      times: Infinity,
      action: { kind: "answer", status: 403 },
    });
    const both = together(
      new AbortController().signal,
      (s) => jobs.run(s),
      (s) => pods.run(s),
    );
    await expect(both).rejects.toMatchObject({ name: "KubeError", status: 403, exitCode: 4 });
  });
});
