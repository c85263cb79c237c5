// Several agents with the same runs, and claims whose agent has stopped: which agent finishes them.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAIM_KEY } from "../../../src/prefect1/claim.ts";
import { graphql } from "../../fakes/prefect1/client.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent, InProcessOptions } from "../support/in-process-agent.ts";
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

const WRITE_LOGS = "mutation($input: write_run_logs_input!) { write_run_logs(input: $input) { success } }";
const SCOPE = "here/default";
let fakes: Fakes;
const agents: InProcessAgent[] = [];

beforeEach(async () => {
  fakes = await startFakes();
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await fakes.stop();
});

async function start(options: InProcessOptions = {}): Promise<InProcessAgent> {
  const agent = await startInProcessAgent(fakes, { shortSleeps: true, scope: SCOPE, ...options });
  agents.push(agent);
  return agent;
}

/** Writes the claim of an agent that died before it created the Job; returns the Job's identifier. */
function claim(id: string, change: { readonly scope?: string; readonly by?: string }): string {
  const identifier = id.slice(0, 8);
  const context = { [CLAIM_KEY]: { id: `claim-${id}`, scope: SCOPE, identifier, ...change } };
  fakes.prefect.setState(id, { type: "Submitted", message: "Submitted for execution", context });
  return identifier;
}

describe("two agents", () => {
  it.each([
    { name: "of different names on Prefect Server", cloud: false },
    { name: "on Prefect Cloud with version locking", cloud: true },
  ])("$name launch each run once", async ({ cloud }) => {
    await fakes.stop();
    fakes = await startFakes({
      prefect: cloud ? { flavour: "cloud", apiKey: "key", versionLocking: true } : {},
    });
    const shared = cloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
    const ids = Array.from({ length: 40 }, () => dueRun(fakes));
    await Promise.all([start({ ...shared, name: "a" }), start({ ...shared, name: "b" })]);
    await untilSucceeded(fakes, ids);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
    await eventually(() => expect(ids.flatMap((id) => logMessages(fakes, id))).toHaveLength(ids.length));
  });
});

describe("a claim without a Job", () => {
  it("of a dead process on this machine is finished at once, with the identifier in the claim", async () => {
    const id = dueRun(fakes);
    const identifier = claim(id, { by: "agent:1" });
    await start();
    await untilSucceeded(fakes, [id]);
    expect(fakes.jobsOf(id).map(({ name }) => name)).toEqual([`prefect-job-${identifier}`]);
  });

  it("of an agent that may be alive is finished after a wait", async () => {
    const id = dueRun(fakes);
    claim(id, { by: "elsewhere:1" });
    const startedAtMs = Date.now();
    await start();
    await untilSucceeded(fakes, [id]);
    expect((fakes.jobsOf(id)[0]?.at.getTime() ?? 0) - startedAtMs).toBeGreaterThanOrEqual(5_000);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });

  it("is finished although an old Job of the run still exists", async () => {
    const id = dueRun(fakes);
    claim(id, { by: "agent:1" });
    const conditions = [{ type: "Complete", status: "True" }];
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "00000000" };
    fakes.kube.put("jobs", {
      metadata: { name: "old", labels, annotations: { "prefect.io/keep": "true" } },
      spec: { template: { spec: { containers: [{ name: "flow", image: "x" }], restartPolicy: "Never" } } },
      status: { conditions },
    });
    await start();
    await eventually(() => expect(fakes.prefect.flowRun(id)?.state).toBe("Success"));
    expect(fakes.jobsOf(id).filter(({ name }) => name !== "old")).toHaveLength(1);
  });

  it.each([
    { name: "of another cluster", change: { scope: "elsewhere/default", by: "agent:1" }, retaken: false },
    { name: "that another agent has claimed since", change: { by: "agent:1" }, retaken: true },
  ])("$name is ignored", async ({ change, retaken }) => {
    const [others, ours] = [dueRun(fakes), dueRun(fakes)];
    claim(others, change);
    if (retaken) fakes.prefect.setState(others, { type: "Submitted", message: "Submitted for execution" });
    claim(ours, { by: "agent:1" });
    const agent = await start();
    await untilSucceeded(fakes, [ours]);
    // A second run, so that another recovery has happened.
    const more = dueRun(fakes);
    claim(more, { by: "agent:1" });
    agent.poke();
    await untilSucceeded(fakes, [more]);
    expect(fakes.jobsOf(others)).toEqual([]);
    expect(fakes.prefect.flowRun(others)?.state).toBe("Submitted");
  });

  it("whose Job another agent created and somebody deleted: the run becomes Failed, without a second Job", async () => {
    const id = dueRun(fakes);
    const identifier = claim(id, { by: "agent:1" });
    const message = `Submitted for execution: Job prefect-job-${identifier}`;
    await graphql(fakes.prefect, WRITE_LOGS, {
      variables: { input: { logs: [{ flow_run_id: id, name: "sibling", level: "INFO", message }] } },
    });
    await start();
    await eventually(() => expect(fakes.prefect.flowRun(id)?.state).toBe("Failed"));
    expect(fakes.prefect.flowRun(id)?.state_message).toMatch(/was deleted before it finished/);
    expect(logMessages(fakes, id)).toEqual([message, fakes.prefect.flowRun(id)?.state_message]);
    expect(fakes.jobsOf(id)).toEqual([]);
  });
});
