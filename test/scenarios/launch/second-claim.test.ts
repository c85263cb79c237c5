// A run that Lazarus reschedules while its Job still waits to start: the second claim adopts the Job, and is told its end by it.
// In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";
import { bound, endsWell, step, waiting } from "../troubles/steps.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

const isAdopted = (id: string): boolean =>
  world.messages(id).some((line) => line.startsWith("Submitted again: adopted by"));

describe("a Job that a second claim has adopted", () => {
  it("fails the run by its own end, although its process is gone", async () => {
    const first = world.start();
    // Ends at any time between two searches for claims without a Job.
    const ids = [0, 3, 6, 9, 12].map((second) => {
      const startMs = 20 * MINUTE + second * SECOND;
      return world.dueRun({ script: { outcome: "fail", startMs, runMs: SECOND } });
    });
    for (const id of ids) world.idleRuns.add(id);
    await world.time.until(() => ids.every((id) => world.jobs(id).length === 1), MINUTE);
    first.process.kill();
    await world.time.pass(11 * MINUTE);
    expect(world.prefect.lazarus()).toHaveLength(ids.length);
    world.start();
    await world.time.until(() => ids.every(isAdopted), 2 * MINUTE);
    await world.time.until(() => ids.every((id) => world.state(id) === "Failed"), 12 * MINUTE);
    for (const id of ids)
      expect(world.messages(id).join("\n")).toMatch(/container 'flow' exited with code 1/);
    expect(world.createdJobs()).toHaveLength(ids.length);
  });

  it("is found although no watch has shown it", async () => {
    world.start();
    await world.time.pass(SECOND);
    world.kube.muteWatches();
    const id = world.dueRun({ script: { outcome: "succeed", startMs: 5 * MINUTE, runMs: SECOND } });
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    await world.time.pass(40 * SECOND);
    world.prefect.setState(id, { type: "Scheduled", message: "Rescheduled by a Lazarus process." });
    await world.time.until(() => isAdopted(id), MINUTE);
    await world.time.until(() => world.state(id) === "Success", 10 * MINUTE);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it("is pulling its image a second time", async () => {
    world.start();
    const image = "prefecthq/prefect:1.4.1";
    const cause = `failed to resolve reference "${image}": ${image}: not found`;
    const pulls = { reason: "Pulling", message: `Pulling image "${image}"` };
    const failed = { reason: "Failed", message: `Failed to pull image "${image}": ${cause}` };
    const script = [
      bound(),
      step(1, "Pending", [waiting("ErrImagePull", cause)], { events: [pulls, failed] }),
      { afterMs: 12 * SECOND, events: [pulls] },
      ...endsWell(200),
    ];
    const id = world.dueRun({ script });
    await world.time.pass(62 * SECOND);
    world.prefect.setState(id, { type: "Scheduled", message: "Rescheduled by a Lazarus process." });
    await world.time.until(() => isAdopted(id), MINUTE);
    await world.time.until(() => world.state(id) === "Success", 10 * MINUTE);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it("fails the run also if Prefect has once refused the state", async () => {
    world.start();
    const id = world.dueRun({ script: { outcome: "fail", startMs: 5 * MINUTE, runMs: SECOND } });
    world.idleRuns.add(id);
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    await world.time.pass(40 * SECOND);
    world.prefect.setState(id, { type: "Scheduled", message: "Rescheduled by a Lazarus process." });
    await world.time.until(() => isAdopted(id), MINUTE);
    world.prefect.fault({
      effect: { kind: "api-error" },
      match: ({ fields, variables }) =>
        fields.includes("set_flow_run_states") && JSON.stringify(variables).includes("Failed"),
    });
    await world.time.until(() => world.state(id) === "Failed", 8 * MINUTE);
    expect(world.prefect.flowRun(id)?.state_message).toMatch(/exited with code 1/);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it("and that ended with 0 is no lost Job of a run that was left Running", async () => {
    world.start();
    const id = world.dueRun({ script: { outcome: "succeed", startMs: 5 * MINUTE, runMs: SECOND } });
    world.idleRuns.add(id);
    await world.time.until(() => world.state(id) === "Submitted" && world.jobs(id).length === 1, MINUTE);
    await world.time.pass(40 * SECOND);
    world.prefect.setState(id, { type: "Scheduled", message: "Rescheduled by a Lazarus process." });
    await world.time.until(() => isAdopted(id), MINUTE);
    await world.time.pass(3 * MINUTE);
    world.prefect.setState(id, { type: "Running" });
    await world.time.until(() => world.jobs(id).length === 0, 5 * MINUTE);
    await world.time.pass(40 * MINUTE);
    expect(world.state(id)).toBe("Running");
    expect(world.messages(id).join("\n")).toContain(
      "completed with exit code 0, but the flow run is still Running",
    );
  });
});

describe("a Job that ended with 0 and left its run Running", () => {
  it("is no lost Job, however many lines about it the flow has printed", async () => {
    world.start();
    const id = world.dueRun({ script: { outcome: "succeed", runMs: MINUTE } });
    world.idleRuns.add(id);
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    world.prefect.setState(id, { type: "Running" });
    const [job = ""] = world.jobs(id);
    for (let line = 0; line < 1_100; line++)
      world.prefect.writeLog(id, { name: "prefect.etl", level: "INFO", message: `in ${job}: ${line}` });
    await world.time.until(() => world.jobs(id).length === 0, 5 * MINUTE);
    await world.time.pass(40 * MINUTE);
    expect(world.state(id)).toBe("Running");
  });
});
