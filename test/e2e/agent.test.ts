// The agent end to end: the built plugin under the real kubectl, real pods, and a fake Prefect to which the pods report.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { auditedCreations } from "./support/audit-log.ts";
import { JobWatch } from "./support/job-watch.ts";
import { listed, serverMinor } from "./support/kubectl.ts";
import { TestSetup } from "./support/test-setup.ts";
import { NEVER_ENDS, SUCCEEDS } from "./support/shell-flow.ts";

// A kubelet before 1.27 sends at most five requests a second, and needs two to update a pod's status.
const [MANY, SOME] = serverMinor() >= 27 ? [100, 20] : [25, 10];

let setup: TestSetup;

beforeEach(async () => {
  setup = await TestSetup.open("agent");
});

afterEach(() => setup.close());

describe("kubectl prefect agent start", () => {
  it(`creates one Job for each of ${MANY} due flow runs, and deletes the Jobs when the runs have succeeded`, async () => {
    const jobWatch = new JobWatch(setup.namespace);
    try {
      const ids = Array.from({ length: MANY }, () => setup.due());
      const agent = await setup.startAgent();
      await setup.prefect.untilState(ids, "Success", 240_000);
      await vi.waitFor(() => expect(jobWatch.deletedCount).toBe(MANY), { timeout: 180_000, interval: 500 });
      expect([...jobWatch.flowRunIds].sort()).toEqual([...ids].sort());
      expect(auditedCreations(setup.namespace)).toBeOneOf([MANY, undefined]);
      expect(await agent.stop("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
    } finally {
      jobWatch.stop();
    }
    const steps = ["Submitted", "Running", "Success"];
    const [run] = setup.prefect.store.tables.flow_run.all();
    expect(setup.prefect.statesOf(run?.id ?? "")).toEqual(["Scheduled", ...steps]);
  }, 480_000);

  it.each(["SIGTERM", "SIGINT"] as const)(
    "does not touch running flows and exits with 0 on %s",
    async (signal) => {
      const id = setup.due(NEVER_ENDS);
      const agent = await setup.startAgent();
      await setup.untilState(id, "Running");
      const ended = await agent.stop(signal);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      expect(ended.stdout).toContain("Agent stopped");
      expect(setup.prefect.stateOf(id)).toBe("Running");
      expect(listed("jobs", setup.namespace).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([
        undefined,
      ]);
      // The next agent finds the Job and deletes it.
      setup.prefect.setState(id, { type: "Cancelled" });
      await setup.startAgent(["--cancel-grace", "0s"]);
      await setup.untilNoJobs();
    },
  );

  it("finishes the runs that it has claimed after --max-polls", async () => {
    const id = setup.due();
    const agent = await setup.startAgent(["--max-polls", "1"]);
    expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
    await setup.untilState(id, "Success");
    await setup.startAgent();
    await setup.untilNoJobs();
  });

  it("launches only runs whose labels it has", async () => {
    const theirs = [["a", "b"], ["a"]].map((labels) => setup.due(SUCCEEDS, labels));
    const other = setup.due(SUCCEEDS, ["a", "c"]);
    await setup.startAgent(["-l", "a", "--label", "b"]);
    await setup.untilState(theirs, "Success");
    expect(setup.prefect.stateOf(other)).toBe("Scheduled");
    expect(setup.prefect.agents().map(({ labels }) => labels)).toEqual([["a", "b"]]);
  });

  it("passes the variables of --env and of its configuration to pods", async () => {
    const id = setup.due('state Success "$COLOUR $PREFECT__LOGGING__LEVEL $PREFECT__BACKEND"');
    await setup.startAgent(["-e", "COLOUR=blue=green"], { PREFECT__LOGGING__LEVEL: "DEBUG" });
    await setup.untilState(id, "Success");
    expect(setup.prefect.flowRun(id)?.state_message).toBe("blue=green DEBUG server");
  });

  it("keeps Jobs with --disable-job-deletion until an agent without that option starts", async () => {
    const id = setup.due();
    const keepingAgent = await setup.startAgent(["--disable-job-deletion"]);
    await setup.untilState(id, "Success");
    const podsDone = () =>
      expect(listed("pods", setup.namespace).map(({ status }) => status?.phase)).toEqual(["Succeeded"]);
    await vi.waitFor(podsDone, { timeout: 30_000, interval: 500 });
    await keepingAgent.stop();
    expect(listed("jobs", setup.namespace)).toHaveLength(1);
    await setup.startAgent();
    await setup.untilNoJobs();
  });

  it("is killed and restarted: every run is still launched exactly once", async () => {
    const jobWatch = new JobWatch(setup.namespace);
    try {
      const first = await setup.startAgent();
      const ids = Array.from({ length: SOME }, () => setup.due());
      await setup.prefect.until(
        () => ids.filter((id) => setup.prefect.stateOf(id) !== "Scheduled").length >= 5,
      );
      await first.stop("SIGKILL");
      await setup.startAgent();
      await setup.untilState(ids, "Success");
      await setup.untilNoJobs();
      expect([...jobWatch.flowRunIds].sort()).toEqual([...ids].sort());
    } finally {
      jobWatch.stop();
    }
  });
});
