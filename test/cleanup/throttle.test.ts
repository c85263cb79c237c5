import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { IN_FLIGHT, Throttle } from "../../src/cleanup/throttle.ts";
import { KubeError } from "../../src/kube/client/errors.ts";

/** A clock that a sleeper turns on himself. */
class TurningClock implements Clock {
  #nowMs = 0;

  now(): Date {
    return new Date(this.#nowMs);
  }

  async sleep(ms: number): Promise<void> {
    await Promise.resolve();
    this.#nowMs += ms;
  }
}

const { signal } = new AbortController();

function refusal(status: number): KubeError {
  return new KubeError("delete a Job", "not now", { status, reason: "", retryAfterMs: 1_000 });
}

/** An API that refuses the first so many calls, and knows how many were under way at once since then. */
function server(refuses: number, status = 429) {
  let calls = 0;
  let running = 0;
  let most = 0;
  const call = async (): Promise<string> => {
    if (++calls <= refuses) {
      await Promise.resolve();
      throw refusal(status);
    }
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return "done";
  };
  return { call, calls: () => calls, most: () => most };
}

describe("Throttle", () => {
  it("goes at its own width while nothing is refused", async () => {
    const api = server(0);
    const throttle = new Throttle(new TurningClock());
    await Promise.all(Array.from({ length: 100 }, () => throttle.call(api.call, signal)));
    expect([api.calls(), api.most()]).toEqual([100, IN_FLIGHT]);
  });

  it("goes on with half as many at once after a refusal, and loses no call", async () => {
    const api = server(IN_FLIGHT);
    const throttle = new Throttle(new TurningClock());
    const answers = await Promise.all(Array.from({ length: 40 }, () => throttle.call(api.call, signal)));
    expect(answers).toHaveLength(40);
    expect(api.most()).toBeLessThan(IN_FLIGHT);
  });

  it("recovers its width", async () => {
    const api = server(1);
    const throttle = new Throttle(new TurningClock());
    await Promise.all(Array.from({ length: 1_000 }, () => throttle.call(api.call, signal)));
    expect(api.most()).toBe(IN_FLIGHT);
  });

  it("waits on for a server that is merely busy, however often it says so", async () => {
    const api = server(50);
    expect(await new Throttle(new TurningClock()).call(api.call, signal)).toBe("done");
  });

  it("gives up on a server that has refused everything for two minutes", async () => {
    const api = server(Number.POSITIVE_INFINITY);
    await expect(new Throttle(new TurningClock()).call(api.call, signal)).rejects.toThrow("not now");
    expect(api.calls()).toBe(122);
  });

  it("tries a call that fails otherwise six times", async () => {
    const api = server(Number.POSITIVE_INFINITY, 503);
    await expect(new Throttle(new TurningClock()).call(api.call, signal)).rejects.toThrow("not now");
    expect(api.calls()).toBe(6);
  });

  it("begins nothing more once it is told to end", async () => {
    const controller = new AbortController();
    const api = server(1);
    const throttle = new Throttle(new TurningClock());
    const call = throttle.call(() => {
      controller.abort();
      return api.call();
    }, controller.signal);
    await expect(call).rejects.toThrow("not now");
    expect(api.calls()).toBe(1);
  });
});
