// A run that is fetched up to ten seconds before its start time. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** A run that starts so many seconds from now. */
function runIn(seconds: number): string {
  const startTime = new Date(world.time.nowMs + seconds * SECOND);
  return world.prefect.createFlowRun({ flow: world.prefect.createFlow({ name: "etl" }), startTime }).id;
}

async function untilSucceeded(id: string): Promise<void> {
  await world.time.until(() => world.state(id) === "Success", MINUTE);
}

describe("a run that is fetched before its start time", () => {
  it("is launched at its start time, not earlier", async () => {
    const id = runIn(8);
    world.start();
    await world.time.pass(8 * SECOND - 1);
    expect(world.prefect.requests.count("get_runs_in_queue")).toBeGreaterThan(1);
    expect(world.state(id)).toBe("Scheduled");
    await world.time.pass(SECOND);
    expect(world.createdJobs()).toHaveLength(1);
    await untilSucceeded(id);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it("is not launched if it is cancelled before its start time", async () => {
    const [cancelled, later] = [runIn(8), runIn(9)];
    world.start();
    await world.time.pass(5 * SECOND);
    world.prefect.setState(cancelled, { type: "Cancelled" });
    await untilSucceeded(later);
    expect(world.createdJobs()).toHaveLength(1);
    expect(world.state(cancelled)).toBe("Cancelled");
  });

  it("stays Scheduled for the next agent if this one stops", async () => {
    const id = runIn(8);
    const first = world.start();
    await world.time.pass(5 * SECOND);
    first.stop();
    await world.time.until(() => first.end() !== undefined, MINUTE);
    expect(world.state(id)).toBe("Scheduled");
    world.start();
    await untilSucceeded(id);
    expect(world.createdJobs()).toHaveLength(1);
  });
});
