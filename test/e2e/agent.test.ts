// The agent end to end: the built plugin under the real kubectl, real pods, and a fake Prefect to which the pods report.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { auditedCreations } from "./support/audit-log.ts";
import { JobWatch } from "./support/job-watch.ts";
import { listed, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

// A kubelet before 1.27 sends at most five requests a second, and needs two to update a pod's status.
const [MANY, SOME] = serverMinor() >= 27 ? [100, 20] : [25, 10];

let namespace: string;
let reachable: ReachablePrefect;
const agents: PluginProcess[] = [];

beforeAll(async () => {
  namespace = await createNamespace("agent");
});

afterAll(() => {
  removeNamespace(namespace);
});

beforeEach(async () => {
  reachable = await startReachablePrefect();
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop("SIGKILL")));
  await reachable.prefect.stop();
});

async function start(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PluginProcess> {
  const agent = await startAgent(["-a", reachable.api, "-n", namespace, ...args], env);
  agents.push(agent);
  return agent;
}

function dueRun(script: string, labels: readonly string[] = []): string {
  const { prefect } = reachable;
  const flow = prefect.createFlow({ name: "shell" });
  return prefect.createFlowRun({ flow, labels, runConfig: shellRun(script) }).id;
}

const stateOf = (id: string): string | null | undefined => reachable.prefect.flowRun(id)?.state;

function untilState(id: string, state: string): Promise<void> {
  return reachable.prefect.until(() => stateOf(id) === state, { what: `${id} ${state}`, timeoutMs: 120_000 });
}

async function untilNoJobs(): Promise<void> {
  await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), { timeout: 120_000, interval: 500 });
}

describe("kubectl prefect agent start", () => {
  it(`creates one Job for each of ${MANY} due flow runs, and deletes the Jobs when the runs have succeeded`, async () => {
    const jobWatch = new JobWatch(namespace);
    try {
      const ids = Array.from({ length: MANY }, () => dueRun(SUCCEEDS));
      const agent = await start();
      const allSucceeded = () => ids.every((id) => stateOf(id) === "Success");
      await reachable.prefect.until(allSucceeded, { what: "all successes", timeoutMs: 240_000 });
      await vi.waitFor(() => expect(jobWatch.deletedCount).toBe(MANY), { timeout: 180_000, interval: 500 });
      expect([...jobWatch.flowRunIds].sort()).toEqual([...ids].sort());
      expect(auditedCreations(namespace)).toBeOneOf([MANY, undefined]);
      expect(await agent.stop("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
    } finally {
      jobWatch.stop();
    }
    const steps = ["Submitted", "Running", "Success"];
    const [run] = reachable.prefect.store.tables.flow_run.all();
    expect(reachable.prefect.history(run?.id ?? "").map(({ type }) => type)).toEqual(["Scheduled", ...steps]);
  }, 480_000);

  it.each(["SIGTERM", "SIGINT"] as const)(
    "does not touch running flows and exits with 0 on %s",
    async (signal) => {
      const id = dueRun("state Running Running; until [ -e /tmp/end ]; do sleep 0.2; done");
      const agent = await start();
      await untilState(id, "Running");
      const ended = await agent.stop(signal);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      expect(ended.stdout).toContain("Agent stopped");
      expect(stateOf(id)).toBe("Running");
      expect(listed("jobs", namespace).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([
        undefined,
      ]);
      // The next agent finds the Job and deletes it.
      reachable.prefect.setState(id, { type: "Cancelled" });
      await start(["--cancel-grace", "0s"]);
      await untilNoJobs();
    },
  );

  it("finishes the runs that it has claimed after --max-polls", async () => {
    const id = dueRun(SUCCEEDS);
    const agent = await start(["--max-polls", "1"]);
    expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
    await untilState(id, "Success");
    await start();
    await untilNoJobs();
  });

  it("launches only runs whose labels it has", async () => {
    const [both, one, other] = [["a", "b"], ["a"], ["a", "c"]].map((labels) => dueRun(SUCCEEDS, labels));
    await start(["-l", "a", "--label", "b"]);
    await Promise.all([untilState(both ?? "", "Success"), untilState(one ?? "", "Success")]);
    expect(stateOf(other ?? "")).toBe("Scheduled");
    expect(reachable.prefect.agents().map(({ labels }) => labels)).toEqual([["a", "b"]]);
    await untilNoJobs();
  });

  it("passes the variables of --env and of its configuration to pods", async () => {
    const id = dueRun('state Success "$COLOUR $PREFECT__LOGGING__LEVEL $PREFECT__BACKEND"');
    await start(["-e", "COLOUR=blue=green"], { PREFECT__LOGGING__LEVEL: "DEBUG" });
    await untilState(id, "Success");
    expect(reachable.prefect.flowRun(id)?.state_message).toBe("blue=green DEBUG server");
    await untilNoJobs();
  });

  it("keeps Jobs with --disable-job-deletion until an agent without that option starts", async () => {
    const id = dueRun(SUCCEEDS);
    const keepingAgent = await start(["--disable-job-deletion"]);
    await untilState(id, "Success");
    const podsDone = () =>
      expect(listed("pods", namespace).map(({ status }) => status?.phase)).toEqual(["Succeeded"]);
    await vi.waitFor(podsDone, { timeout: 30_000, interval: 500 });
    await keepingAgent.stop();
    expect(listed("jobs", namespace)).toHaveLength(1);
    await start();
    await untilNoJobs();
  });

  it("is killed and restarted: every run is still launched exactly once", async () => {
    const jobWatch = new JobWatch(namespace);
    try {
      const first = await start();
      const ids = Array.from({ length: SOME }, () => dueRun(SUCCEEDS));
      await reachable.prefect.until(() => ids.filter((id) => stateOf(id) !== "Scheduled").length >= 5);
      await first.stop("SIGKILL");
      await start();
      await Promise.all(ids.map((id) => untilState(id, "Success")));
      await untilNoJobs();
      expect([...jobWatch.flowRunIds].sort()).toEqual([...ids].sort());
    } finally {
      jobWatch.stop();
    }
  });
});
