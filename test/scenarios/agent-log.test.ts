// What the agent's log tells whoever reads it: where it works, and how each run ended.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { World } from "../simulation/world.ts";

const MINUTE = 60_000;
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

/** The lines without time and logger. */
function told(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !line.includes("DEBUG"))
    .map((line) => line.replace(/^\[.*?\] \w+ - agent \| /, ""));
}

describe("the agent's log", () => {
  it("begins with the place, the Prefect and the limits, before the first poll", async () => {
    const agent = world.start({ labels: ["gpu", "eu"], flags: { limit: "5" } });
    await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
    const [first, second, third, fourth, ...rest] = told(agent.lines);
    expect(first).toBe('Agent: name=agent labels="gpu, eu"');
    expect(second).toBe("Kubernetes: namespace=default");
    expect(third).toMatch(/^Prefect: api=http:\/\/prefect-0\.test backend=server tenant=[-\w]{36}$/);
    expect(fourth).toBe('Jobs: template="Prefect\'s default" limit=5 concurrency=24');
    expect(rest.at(-1)).toBe("Waiting for flow runs...");
  });

  it.each([
    {
      script: { outcome: "succeed", runMs: 1_000 } as const,
      want: /^Flow run ended flowRun=\S+ state=Success$/,
    },
    {
      script: { outcome: "fail", exitCode: 3 } as const,
      want: /^Flow run ended flowRun=\S+ state=Failed message="Kubernetes Error: container 'flow' exited with code 3.*"$/,
    },
  ])("tells once that a run ended: $want", async ({ script, want }) => {
    const agent = world.start({});
    const id = world.dueRun({ script });
    await world.time.until(() => agent.lines.some((line) => line.includes("Job deleted")), 2 * MINUTE);
    await world.time.pass(MINUTE);
    const lines = told(agent.lines).filter((line) => line.includes(id) && line.startsWith("Flow run"));
    expect(lines).toEqual([expect.stringMatching(want)]);
  });
});
