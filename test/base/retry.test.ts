import { PrefectError } from "../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { clockOf } from "../support/clock.ts";
import { backoffMs, retryAfterMs, withRetry } from "../../src/base/retry.ts";
import { ExpectedError } from "../../src/base/errors.ts";

const shape = { firstMs: 100, maxMs: 1_000 };

function sleeper() {
  const slept: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    slept.push(ms);
    return Promise.resolve();
  };
  return { slept, clock: clockOf({ now: () => new Date(0), sleep }) };
}

function failing(times: number, error: Error): { calls: () => number; call: () => Promise<string> } {
  let calls = 0;
  const call = (): Promise<string> => (calls++ < times ? Promise.reject(error) : Promise.resolve("done"));
  return { calls: () => calls, call };
}

describe("backoffMs", () => {
  it.each([
    { failures: 0, low: 50, high: 100 },
    { failures: 2, low: 200, high: 400 },
    { failures: 4, low: 500, high: 1_000 },
    { failures: 5_000, low: 500, high: 1_000 },
  ])("lies between $low and $high after $failures failures", ({ failures, low, high }) => {
    expect(backoffMs(shape, failures, { random: () => 0 })).toBe(low);
    expect(backoffMs(shape, failures, { random: () => 1 })).toBe(high);
  });
});

describe("withRetry", () => {
  it("retries until it succeeds, with increasing delays", async () => {
    const { slept, clock } = sleeper();
    const { call } = failing(3, new Error("away"));
    expect(await withRetry(call, { clock, shape })).toBe("done");
    expect(slept.map((ms, n) => ms <= shape.firstMs * 2 ** n && ms >= (shape.firstMs * 2 ** n) / 2)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("waits for Retry-After", async () => {
    const { slept, clock } = sleeper();
    const busy = (retryAfter: number): PrefectError =>
      new PrefectError("ask", "busy", { failure: "overloaded", retryAfterMs: retryAfter });
    await withRetry(failing(1, busy(7_000)).call, { clock, shape });
    expect(slept).toEqual([7_000]);
    expect(retryAfterMs(new Error("no Retry-After"))).toBeUndefined();
  });

  it.each([
    { name: "an error that is not retryable", error: new ExpectedError("refused"), attempts: 9, calls: 1 },
    { name: "the last error after all attempts", error: new Error("away"), attempts: 3, calls: 3 },
  ])("throws $name", async ({ error, attempts, calls }) => {
    const { clock } = sleeper();
    const failed = failing(99, error);
    await expect(withRetry(failed.call, { clock, shape, attempts })).rejects.toBe(error);
    expect(failed.calls()).toBe(calls);
  });

  it("throws the last error when it is aborted", async () => {
    const { clock } = sleeper();
    const stop = new AbortController();
    const onRetry = (): void => stop.abort();
    const failed = failing(99, new Error("away"));
    await expect(withRetry(failed.call, { clock, shape, signal: stop.signal, onRetry })).rejects.toThrow(
      "away",
    );
    expect(failed.calls()).toBe(2);
  });
});
