// The agent's log while Prefect is away and flow runs end: one line for the outage, whoever notices it first. In virtual time.

import { afterEach, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

afterEach(() => world.close());

it("tells of an outage of Prefect once, while runs wait to be reported", async () => {
  world = new World();
  const agent = world.start({ name: "a", labels: ["x"] });
  const ids = [1, 2, 3].map(() =>
    world.dueRun({ labels: ["x"], script: { outcome: "fail", exitCode: 3, runMs: 30 * SECOND } }),
  );
  await world.time.until(() => ids.every((id) => world.state(id) === "Running"), MINUTE);
  world.setDown("prefect", true);
  await world.time.pass(5 * MINUTE);
  world.setDown("prefect", false);
  await world.time.until(() => ids.every((id) => world.state(id) === "Failed"), MINUTE);
  const warnings = agent.lines.filter((line) => /WARN/.test(line));
  expect(warnings).toEqual([expect.stringContaining("Cannot reach the Prefect API; retrying")]);
});
