// Exactly once, whatever happens: the agent's process is killed where a submission becomes a fact, before the call has its
// effect and after, and the process that comes next finishes the work. kill-at-every-call.sweep.ts does it at every call.

import { describe, expect, it } from "vitest";
import { killAtEveryCall } from "../support/kill-sweep.ts";
import { overdueRetry, twoScheduled } from "../support/stories.ts";

describe.concurrent("an agent that is killed in the middle of a submission", () => {
  it.each([
    { name: "two runs in one batch", story: twoScheduled, only: /set_flow_run|create jobs|write_run_logs/ },
    { name: "a Running run with an overdue retry", story: overdueRetry, only: /set_task_run|create jobs/ },
  ])(
    "leaves what the next process needs: $name",
    async ({ story, only }) => {
      expect(await killAtEveryCall({ story, only, count: 1 })).toBeGreaterThanOrEqual(4);
    },
    120_000,
  );
});
