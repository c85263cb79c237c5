import { describe, expect, it } from "vitest";
import { Batcher } from "../../src/base/batch.ts";
import type { BatchLimits } from "../../src/base/batch.ts";
import { clockOf } from "../support/clock.ts";

/** A batcher whose requests finish when the test calls `answer`. */
function manualBatcher(limits: BatchLimits) {
  const sent: (readonly string[])[] = [];
  const answers: (() => void)[] = [];
  const batcher = new Batcher<string, string>((items) => {
    sent.push(items);
    return new Promise((resolve) => answers.push(() => resolve(items.map((item) => item.toUpperCase()))));
  }, limits);
  return { batcher, sent, answer: () => answers.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Batcher", () => {
  it("sends the items of one event-loop turn in one request", async () => {
    const { batcher, sent, answer } = manualBatcher({ maxSize: 10, maxRequests: 1 });
    const all = Promise.all(["a", "b"].map((item) => batcher.add(item)));
    await turn();
    answer();
    expect(await all).toEqual(["A", "B"]);
    expect(sent).toEqual([["a", "b"]]);
  });

  describe("of items that may wait", () => {
    function waitingBatcher() {
      const waits: { readonly ms: number; readonly end: () => void }[] = [];
      const sleep = (ms: number): Promise<void> => new Promise((end) => waits.push({ ms, end }));
      const sent: (readonly string[])[] = [];
      const send = (items: readonly string[]): Promise<readonly string[]> => {
        sent.push(items);
        return Promise.resolve(items);
      };
      const limits = { maxSize: 10, maxRequests: 1 };
      const batcher = new Batcher<string, string>(send, limits, clockOf({ now: () => new Date(0), sleep }));
      return { batcher, sent, waits };
    }

    it("sends those together that come while the first waits", async () => {
      const { batcher, sent, waits } = waitingBatcher();
      const first = batcher.add("a", 50);
      await turn();
      const second = batcher.add("b", 50);
      expect(waits.map(({ ms }) => ms)).toEqual([50]);
      waits[0]?.end();
      expect(await Promise.all([first, second])).toEqual(["a", "b"]);
      expect(sent).toEqual([["a", "b"]]);
    });

    it("sends them with the first that may not wait", async () => {
      const { batcher, sent } = waitingBatcher();
      const all = [batcher.add("a", 50), batcher.add("b")];
      expect(await Promise.all(all)).toEqual(["a", "b"]);
      expect(sent).toEqual([["a", "b"]]);
    });
  });

  it("limits batch size and concurrent requests, and sends the rest when a request returns", async () => {
    const { batcher, sent, answer } = manualBatcher({ maxSize: 2, maxRequests: 1 });
    const all = Promise.all(["a", "b", "c"].map((item) => batcher.add(item)));
    await turn();
    expect(sent).toEqual([["a", "b"]]);
    answer();
    await turn();
    await turn();
    answer();
    expect(await all).toEqual(["A", "B", "C"]);
    expect(sent).toEqual([["a", "b"], ["c"]]);
  });

  it("rejects all items of a failed request, and continues", async () => {
    let failing = true;
    const batcher = new Batcher<string, string>(
      (items) => (failing ? Promise.reject(new Error("down")) : Promise.resolve(items)),
      { maxSize: 10, maxRequests: 1 },
    );
    const outcomes = await Promise.allSettled([batcher.add("a"), batcher.add("b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    failing = false;
    expect(await batcher.add("c")).toBe("c");
  });

  it("rejects items without an answer", async () => {
    const batcher = new Batcher<string, string>((items) => Promise.resolve(items.slice(1)), {
      maxSize: 10,
      maxRequests: 1,
    });
    const outcomes = await Promise.allSettled([batcher.add("a"), batcher.add("b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});
