import { TestClock } from "../support/clock.ts";
import { describe, expect, it } from "vitest";
import { IN_FLIGHT, Throttle } from "../../src/cleanup/throttle.ts";
import { KubeError } from "../../src/kube/client/errors.ts";

/** A clock that advances by each sleep. */
class SleepingClock extends TestClock {
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

/** An API that refuses the first calls, then records how many calls run at once. */
function server(refusals: number, status = 429) {
  let calls = 0;
  let running = 0;
  let most = 0;
  const call = async (): Promise<string> => {
    if (++calls <= refusals) {
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
  it("runs as many calls at once as its limit while nothing is refused", async () => {
    const api = server(0);
    const throttle = new Throttle(new SleepingClock());
    await Promise.all(Array.from({ length: 100 }, () => throttle.call(api.call, signal)));
    expect([api.calls(), api.most()]).toEqual([100, IN_FLIGHT]);
  });

  it("halves the limit after a 429, and retries every call", async () => {
    const api = server(IN_FLIGHT);
    const throttle = new Throttle(new SleepingClock());
    const answers = await Promise.all(Array.from({ length: 40 }, () => throttle.call(api.call, signal)));
    expect(answers).toHaveLength(40);
    expect(api.most()).toBeLessThan(IN_FLIGHT);
  });

  it("raises the limit again after successes", async () => {
    const api = server(1);
    const throttle = new Throttle(new SleepingClock());
    await Promise.all(Array.from({ length: 1_000 }, () => throttle.call(api.call, signal)));
    expect(api.most()).toBe(IN_FLIGHT);
  });

  it("retries 429 as often as needed", async () => {
    const api = server(50);
    expect(await new Throttle(new SleepingClock()).call(api.call, signal)).toBe("done");
  });

  it("fails when a server answers nothing but 429 for two minutes", async () => {
    const api = server(Number.POSITIVE_INFINITY);
    await expect(new Throttle(new SleepingClock()).call(api.call, signal)).rejects.toThrow("not now");
    expect(api.calls()).toBe(122);
  });

  it("tries a call with another error six times", async () => {
    const api = server(Number.POSITIVE_INFINITY, 503);
    await expect(new Throttle(new SleepingClock()).call(api.call, signal)).rejects.toThrow("not now");
    expect(api.calls()).toBe(6);
  });

  it("does not retry after the signal", async () => {
    const controller = new AbortController();
    const api = server(1);
    const throttle = new Throttle(new SleepingClock());
    const call = throttle.call(() => {
      controller.abort();
      return api.call();
    }, controller.signal);
    await expect(call).rejects.toThrow("not now");
    expect(api.calls()).toBe(1);
  });
});
