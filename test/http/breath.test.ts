// Streams that are read together, by the clock that the test moves.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Breath } from "../../src/http/breath.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream that writes down what it is told. */
function streamOf(name: string, told: string[]) {
  return { pause: () => void told.push(`${name} pauses`), resume: () => void told.push(`${name} reads`) };
}

describe("Breath", () => {
  it("lets what was read pause after the turn in which it was read, and all read on together", () => {
    const told: string[] = [];
    const breath = new Breath();
    const [jobs, pods] = [streamOf("jobs", told), streamOf("pods", told)];
    breath.hold(jobs);
    breath.hold(jobs);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(4);
    expect(told).toEqual(["jobs pauses"]);
    breath.hold(pods);
    vi.advanceTimersByTime(5);
    expect(told).toEqual(["jobs pauses", "pods pauses"]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(["jobs pauses", "pods pauses", "jobs reads", "pods reads"]);
  });

  it("begins a new breath with whatever is read next", () => {
    const told: string[] = [];
    const breath = new Breath();
    const stream = streamOf("jobs", told);
    for (const _ of [1, 2]) {
      breath.hold(stream);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(["jobs pauses", "jobs reads", "jobs pauses", "jobs reads"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("neither pauses nor wakes a stream that has ended", () => {
    const told: string[] = [];
    const breath = new Breath();
    const [ended, later] = [streamOf("ended", told), streamOf("later", told)];
    breath.hold(ended);
    breath.leave(ended);
    breath.hold(later);
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(["later pauses", "later reads"]);
  });
});
