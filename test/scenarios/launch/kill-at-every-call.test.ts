// Exactly-once launch if the agent is killed: at the calls that claim a run, create its Job and write its log, before and after
// their effect. The next process finishes the launch. kill-at-every-call.sweep.ts does this at every call.

import { describe, expect, it } from "vitest";
import { killAtEveryCall } from "../support/kill-sweep.ts";
import { overdueRetry, twoScheduled } from "../support/flow-runs.ts";

describe.concurrent("an agent that is killed during a launch", () => {
  it.each([
    {
      name: "two runs in one batch",
      createRuns: twoScheduled,
      only: /set_flow_run|create jobs|write_run_logs/,
    },
    {
      name: "a Running run with an overdue retry",
      createRuns: overdueRetry,
      only: /set_task_run|create jobs/,
    },
  ])(
    "lets the next process finish the launch: $name",
    async ({ createRuns, only }) => {
      expect(await killAtEveryCall({ createRuns, only, count: 1 })).toBeGreaterThanOrEqual(4);
    },
    120_000,
  );
});
