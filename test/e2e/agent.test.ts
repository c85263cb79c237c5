// The agent at work: the built plugin under the real kubectl, real pods, and a Prefect fake that the pods tell of
// themselves.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { auditedCreations } from "./support/audit-log.ts";
import { JobBirths } from "./support/job-births.ts";
import { listed, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { GOES_WELL, shellRun } from "./support/shell-flow.ts";

// A kubelet before 1.27 asks the API five times a second at most, and needs two requests to tell what a pod does.
const [MANY, SOME] = serverMinor() >= 27 ? [100, 20] : [25, 10];

let namespace: string;
let world: ReachablePrefect;
const agents: PluginProcess[] = [];

beforeAll(async () => {
  namespace = await createNamespace("agent");
});

afterAll(() => {
  removeNamespace(namespace);
});

beforeEach(async () => {
  world = await startReachablePrefect();
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop("SIGKILL")));
  await world.prefect.stop();
});

async function start(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PluginProcess> {
  const agent = await startAgent(["-a", world.api, "-n", namespace, ...args], env);
  agents.push(agent);
  return agent;
}

function dueRun(script: string, labels: readonly string[] = []): string {
  const { prefect } = world;
  const flow = prefect.createFlow({ name: "shell" });
  return prefect.createFlowRun({ flow, labels, runConfig: shellRun(script) }).id;
}

const stateOf = (id: string): string | null | undefined => world.prefect.flowRun(id)?.state;

function untilState(id: string, state: string): Promise<void> {
  return world.prefect.until(() => stateOf(id) === state, { what: `${id} ${state}`, timeoutMs: 120_000 });
}

async function untilNoJobs(): Promise<void> {
  await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), { timeout: 120_000, interval: 500 });
}

describe("kubectl prefect agent start", () => {
  it(`makes one Job of each of ${MANY} due flow runs, sees them all succeed, and deletes them`, async () => {
    const births = new JobBirths(namespace);
    try {
      const ids = Array.from({ length: MANY }, () => dueRun(GOES_WELL));
      const agent = await start();
      const allWell = () => ids.every((id) => stateOf(id) === "Success");
      await world.prefect.until(allWell, { what: "all successes", timeoutMs: 240_000 });
      await vi.waitFor(() => expect(births.goneCount).toBe(MANY), { timeout: 180_000, interval: 500 });
      expect([...births.flowRunIds].sort()).toEqual([...ids].sort());
      expect(auditedCreations(namespace)).toBeOneOf([MANY, undefined]);
      expect(await agent.stop("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
    } finally {
      births.stop();
    }
    const steps = ["Submitted", "Running", "Success"];
    const [run] = world.prefect.store.tables.flow_run.all();
    expect(world.prefect.history(run?.id ?? "").map(({ type }) => type)).toEqual(["Scheduled", ...steps]);
  }, 480_000);

  it.each(["SIGTERM", "SIGINT"] as const)("leaves running flows alone and exits 0 on %s", async (signal) => {
    const id = dueRun("state Running Running; until [ -e /tmp/end ]; do sleep 0.2; done");
    const agent = await start();
    await untilState(id, "Running");
    const ended = await agent.stop(signal);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("Agent stopped");
    expect(stateOf(id)).toBe("Running");
    expect(listed("jobs", namespace).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined]);
    // The next agent finds it, and does away with it.
    world.prefect.setState(id, { type: "Cancelled" });
    await start(["--cancel-grace", "0s"]);
    await untilNoJobs();
  });

  it("finishes what it has claimed when --max-polls are done", async () => {
    const id = dueRun(GOES_WELL);
    const agent = await start(["--max-polls", "1"]);
    expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
    await untilState(id, "Success");
    await start();
    await untilNoJobs();
  });

  it("takes only what its labels cover", async () => {
    const [both, one, other] = [["a", "b"], ["a"], ["a", "c"]].map((labels) => dueRun(GOES_WELL, labels));
    await start(["-l", "a", "--label", "b"]);
    await Promise.all([untilState(both ?? "", "Success"), untilState(one ?? "", "Success")]);
    expect(stateOf(other ?? "")).toBe("Scheduled");
    expect(world.prefect.agents().map(({ labels }) => labels)).toEqual([["a", "b"]]);
    await untilNoJobs();
  });

  it("gives pods the variables of --env and of its own configuration", async () => {
    const id = dueRun('state Success "$COLOUR $PREFECT__LOGGING__LEVEL $PREFECT__BACKEND"');
    await start(["-e", "COLOUR=blue=green"], { PREFECT__LOGGING__LEVEL: "DEBUG" });
    await untilState(id, "Success");
    expect(world.prefect.flowRun(id)?.state_message).toBe("blue=green DEBUG server");
    await untilNoJobs();
  });

  it("keeps Jobs with --disable-job-deletion, until an agent without it comes", async () => {
    const id = dueRun(GOES_WELL);
    const keeper = await start(["--disable-job-deletion"]);
    await untilState(id, "Success");
    const podsDone = () =>
      expect(listed("pods", namespace).map(({ status }) => status?.phase)).toEqual(["Succeeded"]);
    await vi.waitFor(podsDone, { timeout: 30_000, interval: 500 });
    await keeper.stop();
    expect(listed("jobs", namespace)).toHaveLength(1);
    await start();
    await untilNoJobs();
  });

  it("survives its own death: the next one neither doubles nor loses a run", async () => {
    const births = new JobBirths(namespace);
    try {
      const first = await start();
      const ids = Array.from({ length: SOME }, () => dueRun(GOES_WELL));
      await world.prefect.until(() => ids.filter((id) => stateOf(id) !== "Scheduled").length >= 5);
      await first.stop("SIGKILL");
      await start();
      await Promise.all(ids.map((id) => untilState(id, "Success")));
      await untilNoJobs();
      expect([...births.flowRunIds].sort()).toEqual([...ids].sort());
    } finally {
      births.stop();
    }
  });
});
