// Exactly once, whatever happens: as kill-at-every-call.test.ts, at every single call that the agent makes for a submission,
// also beside a sibling. Some 70 processes: about half a minute on two idle cores.

import { describe, expect, it } from "vitest";
import { killAtEveryCall } from "../support/kill-sweep.ts";
import { oneScheduled, overdueRetry, twoScheduled } from "../support/stories.ts";

describe.concurrent("an agent that is killed at any call of a submission", () => {
  it.each([
    { name: "one Scheduled run", story: oneScheduled, count: 1 },
    { name: "a Running run with an overdue retry", story: overdueRetry, count: 1 },
    { name: "two runs in one batch", story: twoScheduled, count: 1 },
    { name: "two runs, and a sibling that is after them too", story: twoScheduled, count: 2 },
  ])(
    "leaves what the next process needs: $name",
    async ({ story, count }) => {
      expect(await killAtEveryCall({ story, count })).toBeGreaterThanOrEqual(12);
    },
    180_000,
  );
});
