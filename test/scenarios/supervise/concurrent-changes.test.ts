// Concurrent state changes: the agent does not overwrite a state that was set while it decided. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";
import { putRunJob } from "../support/run-job.ts";

const MINUTE = 60_000;
let world: World;
afterEach(() => world.close());

/** A Running run whose pod fails, and does not report to Prefect. */
function failingRun(): string {
  const id = world.dueRun({ script: { outcome: "fail" } });
  world.idleRuns.add(id);
  world.prefect.setState(id, { type: "Running" });
  putRunJob(world.kube, id);
  return id;
}

const untilNoJobs = (): Promise<void> =>
  world.time.until(() => world.kube.list("jobs").length === 0, 10 * MINUTE);

describe("a run whose state changes while the agent sets its final state", () => {
  it("keeps the state that was set first, if Prefect locks versions", async () => {
    world = new World({ prefect: { flavour: "cloud", apiKey: "key", versionLocking: true } });
    const id = failingRun();
    const stop = world.prefect.onRequest((call, moment) => {
      if (moment !== "before" || !call.fields.includes("set_flow_run_states")) return;
      stop();
      world.prefect.setState(id, { type: "Success" });
    });
    world.start({ backend: "cloud", apiKey: "key" });
    await untilNoJobs();
    expect(world.prefect.statesOf(id)).toEqual(["Scheduled", "Running", "Success"]);
  });

  it("keeps the state that was set while the agent wrote its log", async () => {
    world = new World();
    const id = failingRun();
    const stop = world.prefect.onRequest((call, moment) => {
      if (moment !== "after" || !call.fields.includes("write_run_logs")) return;
      stop();
      // Restarted by a user: only the state's version shows the change.
      world.prefect.setState(id, { type: "Scheduled", start_time: "2100-01-01T00:00:00+00:00" });
      world.prefect.setState(id, { type: "Success" });
    });
    world.start();
    await untilNoJobs();
    expect(world.prefect.statesOf(id)).toEqual(["Scheduled", "Running", "Scheduled", "Success"]);
  });
});
