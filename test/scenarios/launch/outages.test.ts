// Prefect or Kubernetes is unavailable for a while during a launch.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import {
  dueRun,
  eventually,
  logMessages,
  launchedOnce,
  launchCounts,
  untilSucceeded,
} from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;
let agent: InProcessAgent;

beforeEach(async () => {
  fakes = await startFakes();
  agent = await startInProcessAgent(fakes);
});

afterEach(async () => {
  await agent.stop();
  await fakes.stop();
});

describe("an outage of Prefect", () => {
  it.each(["set_flow_run_states", "write_run_logs"])("during %s delays the launch", async (field) => {
    const fault = fakes.prefect.fault({ effect: { kind: "status", status: 503 }, match: field, times: 4 });
    const id = dueRun(fakes);
    agent.poke();
    await untilSucceeded(fakes, [id]);
    await eventually(() => expect(logMessages(fakes, id)).toHaveLength(1));
    expect(fault.hits()).toBe(4);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });

  it("of the whole API delays the launch", async () => {
    const id = dueRun(fakes);
    let paused: Promise<void> | undefined;
    const forget = fakes.prefect.onRequest(({ fields }, when) => {
      if (when === "after" && fields.includes("set_flow_run_states") && paused === undefined) {
        paused = fakes.prefect.pause();
      }
    });
    agent.poke();
    await eventually(() => expect(paused).toBeDefined());
    forget();
    await paused;
    await eventually(() =>
      expect(agent.lines.join("\n")).toMatch(/Could not [^\n]+, retrying[^]*Could not [^\n]+, retrying/),
    );
    await fakes.prefect.resume();
    await untilSucceeded(fakes, [id]);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });

  it("with a Retry-After header gets no request before that time", async () => {
    fakes.prefect.fault({
      effect: { kind: "status", status: 429, retryAfter: "1" },
      match: "set_flow_run_states",
    });
    const ids = [dueRun(fakes), dueRun(fakes), dueRun(fakes)];
    agent.poke();
    await untilSucceeded(fakes, ids);
    const claims = fakes.prefect.requests.entries("set_flow_run_states");
    const fromAgent = claims.filter(({ headers }) => headers["x-prefect-agent-id"] !== undefined);
    const [refused, next] = fromAgent;
    expect(refused?.status).toBe(429);
    expect((next?.at.getTime() ?? 0) - (refused?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(990);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
  });

  it("does not fail a run whose Job exists but whose log line is rejected", async () => {
    fakes.prefect.fault({
      effect: { kind: "errors", message: "no more logs" },
      match: "write_run_logs",
      times: Number.POSITIVE_INFINITY,
    });
    const id = dueRun(fakes);
    agent.poke();
    await untilSucceeded(fakes, [id]);
    expect(fakes.prefect.statesOf(id)).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
  });
});

describe("an outage of Kubernetes", () => {
  it("while a Job is created delays the launch and does not fail the run", async () => {
    fakes.kube.fault({
      effect: { kind: "status", status: 503 },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
      times: 4,
    });
    const id = dueRun(fakes);
    agent.poke();
    await untilSucceeded(fakes, [id]);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });
});
