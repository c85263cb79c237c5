import { describe, expect, it } from "vitest";
import { Limit } from "../../src/base/limit.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Tasks that finish, oldest first, when the test calls `end`. */
function manualTasks(limit: Limit, count: number) {
  const ends: (() => void)[] = [];
  const all = Array.from({ length: count }, () =>
    limit.run(() => new Promise<void>((resolve) => ends.push(resolve))),
  );
  const end = async (): Promise<void> => {
    ends.shift()?.();
    await turn();
  };
  return { started: ends, end, all: Promise.all(all) };
}

describe("Limit", () => {
  it("runs at most N tasks at once, in order, and starts the next when one ends", async () => {
    const tasks = manualTasks(new Limit(2), 3);
    expect(tasks.started).toHaveLength(2);
    await tasks.end();
    expect(tasks.started).toHaveLength(2);
    await tasks.end();
    await tasks.end();
    await tasks.all;
  });

  it("continues after a task fails", async () => {
    const limit = new Limit(1);
    const failing = limit.run(() => Promise.reject(new Error("no")));
    const next = limit.run(() => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("done");
    expect(limit.running).toBe(0);
  });

  it("resolves when fewer than N tasks are queued, not sooner", async () => {
    const limit = new Limit(1);
    const tasks = manualTasks(limit, 4);
    let resolved = false;
    const waiting = limit.waitForQueueBelow(2, new AbortController().signal).then(() => (resolved = true));
    await tasks.end();
    expect(resolved).toBe(false);
    await tasks.end();
    await waiting;
    expect(resolved).toBe(true);
    await tasks.end();
    await tasks.end();
  });

  it("stops waiting for the queue when aborted", async () => {
    const limit = new Limit(1);
    const tasks = manualTasks(limit, 3);
    const stop = new AbortController();
    const waiting = limit.waitForQueueBelow(1, stop.signal);
    stop.abort();
    await expect(waiting).resolves.toBeUndefined();
    for (let n = 0; n < 3; n++) await tasks.end();
  });
});
