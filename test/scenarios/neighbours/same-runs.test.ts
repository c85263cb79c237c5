// Several agents for the same runs: each run is launched once, however slow the network is. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
let world: World;

afterEach(() => world.close());

describe("two agents", () => {
  it.each([
    { name: "of different names on Prefect Server", isCloud: false, slowMs: 0 },
    {
      name: "of different names on Prefect Server, with seconds of latency",
      isCloud: false,
      slowMs: 6 * SECOND,
    },
    { name: "on Prefect Cloud with version locking", isCloud: true, slowMs: 0 },
    {
      name: "on Prefect Cloud with version locking and seconds of latency",
      isCloud: true,
      slowMs: 6 * SECOND,
    },
  ])("$name launch each run once", async ({ isCloud, slowMs }) => {
    const random = (): number => world.random();
    world = new World({
      ...(isCloud ? { prefect: { flavour: "cloud", apiKey: "key", versionLocking: true } } : {}),
      network: { mishap: () => ({ delayMs: slowMs * random() }) },
    });
    const shared = isCloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
    const ids = Array.from({ length: 40 }, () => world.dueRun());
    world.start({ ...shared, name: "a" });
    world.start({ ...shared, name: "b" });
    await world.time.until(() => ids.every((id) => world.state(id) === "Success"), 300 * SECOND);
    await world.time.pass(60 * SECOND);
    expect(world.createdJobs()).toHaveLength(ids.length);
    for (const id of ids) {
      expect(world.messages(id).filter((line) => line.startsWith("Submitted for execution"))).toHaveLength(1);
    }
  });
});
