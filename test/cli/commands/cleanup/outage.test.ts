// cleanup and cancel while Prefect does not answer, for a moment or at all.

import { describe, expect, it } from "vitest";
import type { FaultEffect } from "../../../fakes/prefect1/faults.ts";
import { runningWorld, stateOf } from "../cancel/running-run.ts";
import { startTestCluster } from "./cluster.ts";

const CLEANUP = ["cleanup", "--yes", "--older-than", "0"];
const PASSING: readonly { readonly name: string; readonly effect: FaultEffect }[] = [
  { name: "503", effect: { kind: "status", status: 503 } },
  { name: "429", effect: { kind: "status", status: 429, retryAfter: "0" } },
  { name: "API_ERROR", effect: { kind: "api-error" } },
  { name: "cut", effect: { kind: "cut", when: "before" } },
];

describe("cleanup", () => {
  it.each(PASSING)(
    "asks again after a passing $name, and keeps a Job of a Running run",
    async ({ effect }) => {
      const cluster = await startTestCluster();
      cluster.job("ended", cluster.flowRun("Running", "quick-fox"));
      const fault = cluster.prefect.fault({ match: "flow_run", effect });
      const { stderr } = await cluster.run(CLEANUP);
      expect([fault.hits(), stderr]).toEqual([1, "nothing to clean up (1 kept; -v shows why)\n"]);
      expect(cluster.left("jobs")).toEqual(["ended"]);
    },
  );

  it("keeps a finished Job while the configured Prefect does not tell the state of its run", async () => {
    const cluster = await startTestCluster();
    cluster.job("ended", cluster.flowRun("Running", "quick-fox"));
    cluster.prefect.fault({ match: "flow_run", effect: { kind: "status", status: 401 }, times: Infinity });
    const { stderr } = await cluster.run([...CLEANUP, "-v"]);
    expect(stderr).toContain("succeeded, but the state of its flow run could not be read\n");
    expect(cluster.left("jobs")).toEqual(["ended"]);
  });
});

describe("cancel", () => {
  it.each(
    ["cancel_flow_run", "set_flow_run_states"].flatMap((match) =>
      [...PASSING, { name: "cut after it was done", effect: { kind: "cut", when: "after" } as const }].map(
        (passing) => ({ match, ...passing }),
      ),
    ),
  )("asks again after a passing $name of $match, and the run is Cancelled", async ({ match, effect }) => {
    const running = await runningWorld();
    const fault = running.testCluster.prefect.fault({ match, effect });
    const { exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([fault.hits(), exitCode, stateOf(running)]).toEqual([1, 0, "Cancelled"]);
  });

  it("says that a run may still be Cancelling if its state cannot be read", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    let isOut = false;
    testCluster.prefect.onRequest(({ fields }, moment) => {
      if (fields.includes("cancel_flow_run") && moment === "after") isOut = true;
    });
    testCluster.prefect.fault({
      match: ({ fields }) => isOut && fields.includes("flow_run"),
      effect: { kind: "status", status: 401 },
      times: Infinity,
    });
    const { exitCode, stderr } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running)]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain(
      `error: cannot read the state of flow run "quick-fox" (${id}); it may still be Cancelling\n`,
    );
  });
});
