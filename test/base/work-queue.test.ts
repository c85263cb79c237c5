import { TestClock } from "../support/clock.ts";
import { describe, expect, it } from "vitest";
import { WorkQueue } from "../../src/base/work-queue.ts";
import type { Requeue } from "../../src/base/work-queue.ts";

/** A clock that the test advances. */
class ManualClock extends TestClock {
  ms = 1_000_000;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  now(): Date {
    return new Date(this.ms);
  }

  override ticks(): number {
    return this.ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = {
        at: this.ms + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  get asleep(): number {
    return this.#sleepers.size;
  }

  /** Advances the time and wakes the sleepers that are due one by one, since they can sleep again. */
  async advance(ms: number): Promise<void> {
    const until = this.ms + ms;
    for (;;) {
      const [next] = [...this.#sleepers].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > until) break;
      this.ms = Math.max(this.ms, next.at);
      next.wake();
      await turn();
    }
    this.ms = until;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function queueOf(work: (key: string) => Promise<Requeue>, concurrency = 4) {
  const clock = new ManualClock();
  const failed: string[] = [];
  const queue = new WorkQueue({
    clock,
    concurrency,
    work,
    onError: (key) => failed.push(key),
  });
  const end = new AbortController();
  const running = queue.run(end.signal);
  const stop = async (): Promise<void> => {
    end.abort();
    await running;
  };
  return { clock, queue, failed, stop };
}

describe("WorkQueue", () => {
  it("processes a key once when it is added several times", async () => {
    const worked: string[] = [];
    const { clock, queue, stop } = queueOf((key) => Promise.resolve(void worked.push(key)));
    for (const key of ["a", "b", "a", "a"]) queue.addAfter(key, 20);
    await clock.advance(100);
    expect(worked).toEqual(["a", "b"]);
    await stop();
  });

  it("uses the shortest delay of a key", async () => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => Promise.resolve(void worked.push(clock.ms - 1_000_000)));
    queue.addAfter("a", 60_000);
    queue.addAfter("a", 100);
    queue.addAfter("a", 5_000);
    await clock.advance(120_000);
    expect(worked).toEqual([100]);
    await stop();
  });

  it("processes a key again after the delay that `work` returns", async () => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => {
      worked.push(clock.ms - 1_000_000);
      return Promise.resolve(worked.length < 3 ? 1_000 : undefined);
    });
    queue.add("a");
    await turn();
    await clock.advance(10_000);
    expect(worked).toEqual([0, 1_000, 2_000]);
    await stop();
  });

  it("processes a key again, not concurrently, when it is added during its processing", async () => {
    const starts: (() => void)[] = [];
    let [atOnce, most] = [0, 0];
    const { clock, queue, stop } = queueOf(async () => {
      most = Math.max(most, ++atOnce);
      await new Promise<void>((resolve) => starts.push(resolve));
      atOnce--;
      return undefined;
    });
    queue.add("a");
    queue.add("a");
    queue.addAfter("a", 20);
    await clock.advance(20);
    expect(starts).toHaveLength(1);
    starts[0]?.();
    await turn();
    expect(starts).toHaveLength(2);
    starts[1]?.();
    await turn();
    expect([starts.length, most]).toEqual([2, 1]);
    await stop();
  });

  it("retries a failed key with increasing delays, and reports each failure", async () => {
    const worked: number[] = [];
    const { clock, queue, failed, stop } = queueOf(() => {
      worked.push(clock.ms);
      return worked.length < 4 ? Promise.reject(new Error("no")) : Promise.resolve(undefined);
    });
    queue.add("a");
    await turn();
    await clock.advance(60_000);
    const waits = worked.slice(1).map((at, n) => at - (worked[n] ?? 0));
    expect(waits).toHaveLength(3);
    // Full jitter over the upper half of 500, 1,000 and 2,000 ms.
    for (const [n, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** n);
      expect(wait).toBeLessThanOrEqual(500 * 2 ** n);
    }
    expect(failed).toEqual(["a", "a", "a"]);
    await stop();
  });

  it.each([-3_600_000, 3_600_000])("is not affected when the system clock changes by %d ms", async (byMs) => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => Promise.resolve(void worked.push(clock.ms - 1_000_000)));
    queue.addAfter("a", 3_600_000);
    queue.addAfter("b", 1_000);
    await clock.advance(500);
    clock.now = () => new Date(clock.ms + byMs);
    queue.addAfter("a", 20);
    await clock.advance(1_000);
    expect(worked).toEqual([520, 1_000]);
    await stop();
  });

  it("backs off from a key that is to be processed again, until it is not", async () => {
    const workedAt: number[] = [];
    const { clock, queue, failed, stop } = queueOf(() => {
      workedAt.push(clock.ms - 1_000_000);
      return Promise.resolve(workedAt.length < 4 ? "again" : undefined);
    });
    queue.add("a");
    await turn();
    await clock.advance(60_000);
    queue.add("a");
    await turn();
    expect(workedAt).toEqual([0, 375, 1_125, 2_625, 60_000]);
    expect(failed).toEqual([]);
    await stop();
  });

  it("cancels the timer of a key that is added sooner, and all when it stops", async () => {
    const { clock, queue, stop } = queueOf(() => Promise.resolve(undefined));
    for (const key of ["a", "b", "c"]) queue.addAfter(key, 60_000);
    queue.add("a");
    expect(clock.asleep).toBe(2);
    queue.addAfter("b", 100);
    expect(clock.asleep).toBe(2);
    await clock.advance(100);
    expect(clock.asleep).toBe(1);
    await stop();
    expect(clock.asleep).toBe(0);
  });

  it("finishes active keys before it stops, and starts no others", async () => {
    const started: string[] = [];
    let finish = (): void => {};
    const { queue, stop } = queueOf((key) => {
      started.push(key);
      return new Promise((resolve) => (finish = () => resolve(undefined)));
    }, 1);
    queue.add("a");
    queue.add("b");
    const stopped = stop();
    await turn();
    finish();
    await stopped;
    expect(started).toEqual(["a"]);
  });
});
