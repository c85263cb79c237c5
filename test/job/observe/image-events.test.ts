import { describe, expect, it } from "vitest";
import { pullFailure, pullSinceFailure } from "../../../src/job/observe/image-events.ts";
import { event } from "../observed-jobs.ts";

/** An event of the image `flows:1`, so many seconds after the first. */
const pulling = (at: number) => event("pod-a", ["Pulling", 'Pulling image "flows:1"', at]);
const failed = (at: number) =>
  event("pod-a", ["Failed", 'Failed to pull image "flows:1": pull QPS exceeded', at]);
const pulled = (at: number) => event("pod-a", ["Pulled", 'Successfully pulled image "flows:1"', at]);

describe("pullFailure", () => {
  it("is the newest cause that the kubelet gave for the image", () => {
    const events = [
      event("pod-a", ["Failed", 'Failed to pull image "flows:1": i/o timeout', 10]),
      failed(20),
      event("pod-a", ["Failed", 'Failed to pull image "proxy:1": not found', 30]),
      event("pod-a", ["Failed", "Error: ImagePullBackOff", 40]),
    ];
    expect(pullFailure("flows:1", events)).toBe("pull QPS exceeded");
    expect(pullFailure("other:1", events)).toBe("");
  });
});

describe("pullSinceFailure", () => {
  it.each([
    { name: "a failure", events: [pulling(1), failed(2)], want: "nothing" },
    { name: "a second pull", events: [pulling(1), failed(2), pulling(12)], want: "a pull" },
    { name: "a second pull that failed in its second", events: [failed(12), pulling(12)], want: "nothing" },
    { name: "a pull that is done", events: [failed(2), pulling(12), pulled(20)], want: "pulled" },
    { name: "a pull whose failure was not told", events: [pulling(1)], want: "nothing" },
    { name: "a pull of another container, before", events: [pulled(1), failed(2)], want: "nothing" },
    { name: "nothing", events: [], want: "nothing" },
  ])("tells after $name: $want", ({ events, want }) => {
    const found = pullSinceFailure("flows:1", events);
    expect(found instanceof Date ? "a pull" : (found ?? "nothing")).toBe(want);
  });
});
