// The agent's real process, killed at the call that creates a Job, before and after its effect: the next process finishes the
// launch. kill-at-every-call.test.ts does this at every call, in virtual time.

import { it } from "vitest";
import { startAgentProcess } from "../support/agent-process.ts";
import { interceptAt } from "../support/api-calls.ts";
import { launchCounts, launchedOnce, twoScheduled, untilSucceeded } from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";

it.concurrent.for(["before", "after"] as const)(
  "a process that is killed %s it creates a Job lets the next one finish the launch",
  async (when, { expect, onTestFinished }) => {
    const fakes = await startFakes();
    onTestFinished(() => fakes.stop());
    const agent = await startAgentProcess(fakes);
    onTestFinished(() => agent.kill());
    await agent.ready();
    const killed = interceptAt(fakes, { call: "kubernetes create jobs", nth: 1, when }, () => agent.kill());
    const ids = twoScheduled(fakes);
    await agent.poke();
    await killed.done;
    const next = await startAgentProcess(fakes);
    onTestFinished(() => next.kill());
    await untilSucceeded(fakes, ids);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
  },
);
