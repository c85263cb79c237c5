// Exactly-once launch if the agent is killed: like kill-at-every-call.test.ts, but at every call of a launch, and also with a
// second agent. Starts about 70 processes: half a minute on two idle cores.

import { describe, expect, it } from "vitest";
import { killAtEveryCall } from "../support/kill-sweep.ts";
import { oneScheduled, overdueRetry, twoScheduled } from "../support/flow-runs.ts";

describe.concurrent("an agent that is killed at any call of a launch", () => {
  it.each([
    { name: "one Scheduled run", createRuns: oneScheduled, count: 1 },
    { name: "a Running run with an overdue retry", createRuns: overdueRetry, count: 1 },
    { name: "two runs in one batch", createRuns: twoScheduled, count: 1 },
    { name: "two runs and a second agent", createRuns: twoScheduled, count: 2 },
  ])(
    "lets the next process finish the launch: $name",
    async ({ createRuns, count }) => {
      expect(await killAtEveryCall({ createRuns, count })).toBeGreaterThanOrEqual(12);
    },
    180_000,
  );
});
