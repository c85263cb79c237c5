// Items that come together leave together, and each caller gets its own answer.

import { describe, expect, it } from "vitest";
import { Batcher } from "../../src/base/batch.ts";
import type { BatchLimits } from "../../src/base/batch.ts";

/** A batcher whose requests are answered when the test says so. */
function held(limits: BatchLimits) {
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
  it("sends what comes in one turn in one request", async () => {
    const { batcher, sent, answer } = held({ maxSize: 10, maxRequests: 1 });
    const all = Promise.all(["a", "b"].map((item) => batcher.add(item)));
    await turn();
    answer();
    expect(await all).toEqual(["A", "B"]);
    expect(sent).toEqual([["a", "b"]]);
  });

  it("lets the first wait for what comes in later turns, when it may", async () => {
    const { batcher, sent, answer } = held({ maxSize: 10, maxRequests: 1, gatherMs: 50 });
    const first = batcher.add("a");
    await turn();
    const all = Promise.all([first, batcher.add("b")]);
    while (sent.length === 0) await turn();
    answer();
    expect(await all).toEqual(["A", "B"]);
    expect(sent).toEqual([["a", "b"]]);
  });

  it("keeps within its size and its number of requests; the rest leaves when one returns", async () => {
    const { batcher, sent, answer } = held({ maxSize: 2, maxRequests: 1 });
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

  it("tells every caller of a failed request, and goes on", async () => {
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

  it("rejects items that were left without an answer", async () => {
    const batcher = new Batcher<string, string>((items) => Promise.resolve(items.slice(1)), {
      maxSize: 10,
      maxRequests: 1,
    });
    const outcomes = await Promise.allSettled([batcher.add("a"), batcher.add("b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});
