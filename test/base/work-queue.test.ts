// Keys come when they are due, once, and never two of the same at a time.

import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { WorkQueue } from "../../src/base/work-queue.ts";

/** A clock whose hands the test moves. */
class HandClock implements Clock {
  ms = 1_000_000;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  now(): Date {
    return new Date(this.ms);
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

  /** Moves on and wakes whom it passes, one after the other, as they may go to sleep again. */
  async pass(ms: number): Promise<void> {
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

function queueOf(work: (key: string) => Promise<number | undefined>, concurrency = 4) {
  const clock = new HandClock();
  const failed: string[] = [];
  const queue = new WorkQueue({
    clock,
    nowMs: () => clock.ms,
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
  it("works once on a key that was touched many times within a moment", async () => {
    const worked: string[] = [];
    const { clock, queue, stop } = queueOf((key) => Promise.resolve(void worked.push(key)));
    for (const key of ["a", "b", "a", "a"]) queue.addAfter(key, 20);
    await clock.pass(100);
    expect(worked).toEqual(["a", "b"]);
    await stop();
  });

  it("lets the earliest wait of a key count, and drops the others", async () => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => Promise.resolve(void worked.push(clock.ms - 1_000_000)));
    queue.addAfter("a", 60_000);
    queue.addAfter("a", 100);
    queue.addAfter("a", 5_000);
    await clock.pass(120_000);
    expect(worked).toEqual([100]);
    await stop();
  });

  it("brings a key back after the wait that its work asked for", async () => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => {
      worked.push(clock.ms - 1_000_000);
      return Promise.resolve(worked.length < 3 ? 1_000 : undefined);
    });
    queue.add("a");
    await turn();
    await clock.pass(10_000);
    expect(worked).toEqual([0, 1_000, 2_000]);
    await stop();
  });

  it("works on a key that was touched during its work once more, afterwards", async () => {
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
    await clock.pass(20);
    expect(starts).toHaveLength(1);
    starts[0]?.();
    await turn();
    expect(starts).toHaveLength(2);
    starts[1]?.();
    await turn();
    expect([starts.length, most]).toEqual([2, 1]);
    await stop();
  });

  it("comes again after a failure, later each time, and tells of it", async () => {
    const worked: number[] = [];
    const { clock, queue, failed, stop } = queueOf(() => {
      worked.push(clock.ms);
      return worked.length < 4 ? Promise.reject(new Error("no")) : Promise.resolve(undefined);
    });
    queue.add("a");
    await turn();
    await clock.pass(60_000);
    const waits = worked.slice(1).map((at, n) => at - (worked[n] ?? 0));
    expect(waits).toHaveLength(3);
    // Full jitter over the upper half of 500, 1,000 and 2,000 ms, on the grid of slots.
    for (const [n, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** n);
      expect(wait).toBeLessThanOrEqual(500 * 2 ** n + 20);
    }
    expect(failed).toEqual(["a", "a", "a"]);
    await stop();
  });

  it.each([-3_600_000, 3_600_000])("goes on when the clock is set by %d ms", async (byMs) => {
    const worked: number[] = [];
    const { clock, queue, stop } = queueOf(() => Promise.resolve(void worked.push(clock.ms - 1_000_000)));
    queue.addAfter("a", 3_600_000);
    queue.addAfter("b", 1_000);
    await clock.pass(500);
    clock.now = () => new Date(clock.ms + byMs);
    queue.addAfter("a", 20);
    await clock.pass(1_000);
    expect(worked).toEqual([520, 1_000]);
    await stop();
  });

  it("keeps one sleep going for all that is due in the same 20 ms, and none after its end", async () => {
    const { clock, queue, stop } = queueOf(() => Promise.resolve(undefined));
    for (let n = 0; n < 1_000; n++) queue.addAfter(`key ${n}`, 60_000 - n);
    expect(clock.asleep).toBe(50);
    await stop();
    expect(clock.asleep).toBe(0);
  });

  it("drops the sleep of a time at which nobody is due any more", async () => {
    const { clock, queue, stop } = queueOf(() => Promise.resolve(undefined));
    for (const key of ["a", "b"]) queue.addAfter(key, 60_000);
    queue.add("a");
    expect(clock.asleep).toBe(1);
    queue.addAfter("b", 100);
    await clock.pass(50);
    expect(clock.asleep).toBe(1);
    await clock.pass(100);
    expect(clock.asleep).toBe(0);
    await stop();
  });

  it("finishes what is under way before it ends, and begins nothing more", async () => {
    const begun: string[] = [];
    let finish = (): void => {};
    const { queue, stop } = queueOf((key) => {
      begun.push(key);
      return new Promise((resolve) => (finish = () => resolve(undefined)));
    }, 1);
    queue.add("a");
    queue.add("b");
    const stopped = stop();
    await turn();
    finish();
    await stopped;
    expect(begun).toEqual(["a"]);
  });

  it("ends with the error that its owner threw about a failure", async () => {
    const clock = new HandClock();
    const queue = new WorkQueue({
      clock,
      concurrency: 1,
      work: () => Promise.reject(new Error("refused")),
      onError: (_, error) => {
        throw error;
      },
    });
    const running = queue.run(new AbortController().signal);
    queue.add("a");
    await expect(running).rejects.toThrow("refused");
  });
});
