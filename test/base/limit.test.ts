// At most N tasks at once, and a word when the queue behind them is short.

import { describe, expect, it } from "vitest";
import { Limit } from "../../src/base/limit.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** So many tasks that end when the test says so, oldest first. */
function held(limit: Limit, count: number) {
  const ends: (() => void)[] = [];
  const all = Array.from({ length: count }, () =>
    limit.run(() => new Promise<void>((resolve) => ends.push(resolve))),
  );
  const end = async (): Promise<void> => {
    ends.shift()?.();
    await turn();
  };
  return { begun: ends, end, all: Promise.all(all) };
}

describe("Limit", () => {
  it("begins no more than so many tasks at once, in their order, and each next one when one ends", async () => {
    const tasks = held(new Limit(2), 3);
    expect(tasks.begun).toHaveLength(2);
    await tasks.end();
    expect(tasks.begun).toHaveLength(2);
    await tasks.end();
    await tasks.end();
    await tasks.all;
  });

  it("goes on after a task that fails", async () => {
    const limit = new Limit(1);
    const failing = limit.run(() => Promise.reject(new Error("no")));
    const next = limit.run(() => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("done");
    expect(limit.running).toBe(0);
  });

  it("tells when fewer than so many wait, not sooner", async () => {
    const limit = new Limit(1);
    const tasks = held(limit, 4);
    let told = false;
    const waiting = limit.fewerWaiting(2, new AbortController().signal).then(() => (told = true));
    await tasks.end();
    expect(told).toBe(false);
    await tasks.end();
    await waiting;
    expect(told).toBe(true);
    await tasks.end();
    await tasks.end();
  });

  it("keeps nobody waiting for a short queue who is told to stop", async () => {
    const limit = new Limit(1);
    const tasks = held(limit, 3);
    const stop = new AbortController();
    const waiting = limit.fewerWaiting(1, stop.signal);
    stop.abort();
    await expect(waiting).resolves.toBeUndefined();
    for (let n = 0; n < 3; n++) await tasks.end();
  });
});
