// What an agent's log says while Kubernetes does not answer, with many claims that wait for their Jobs. In virtual time.

import { afterEach, beforeEach, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const MINUTE = 60_000;
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

it("a replica tells once that it cannot look for the Jobs of the other's claims", async () => {
  const replicas = [world.start(), world.start()];
  await world.time.pass(MINUTE);
  world.setDown("kubernetes", true);
  const ids = Array.from({ length: 10 }, () => world.dueRun());
  await world.time.pass(3 * MINUTE);
  for (const { lines } of replicas)
    expect(lines.filter((line) => /WARNING.*Could not finish a submission/.test(line)).length).toBeLessThan(
      3,
    );
  world.setDown("kubernetes", false);
  await world.time.until(() => ids.every((id) => world.state(id) === "Success"), 5 * MINUTE);
});
