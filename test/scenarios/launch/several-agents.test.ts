// Several agents with the same runs: each run is launched once.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent, InProcessOptions } from "../support/in-process-agent.ts";
import {
  dueRun,
  eventually,
  logMessages,
  launchedOnce,
  launchCounts,
  untilSucceeded,
} from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;
const agents: InProcessAgent[] = [];

beforeEach(async () => {
  fakes = await startFakes({ speed: 20 });
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await fakes.stop();
});

async function start(options: InProcessOptions = {}): Promise<void> {
  agents.push(await startInProcessAgent(fakes, { ...options }));
}

describe("two agents", () => {
  it.each([
    { name: "of different names on Prefect Server", cloud: false },
    { name: "on Prefect Cloud with version locking", cloud: true },
  ])("$name launch each run once", async ({ cloud }) => {
    await fakes.stop();
    fakes = await startFakes({
      speed: 20,
      prefect: cloud ? { flavour: "cloud", apiKey: "key", versionLocking: true } : {},
    });
    const shared = cloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
    const ids = Array.from({ length: 40 }, () => dueRun(fakes));
    await Promise.all([start({ ...shared, name: "a" }), start({ ...shared, name: "b" })]);
    await untilSucceeded(fakes, ids);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
    await eventually(() => expect(ids.flatMap((id) => logMessages(fakes, id))).toHaveLength(ids.length));
  });
});
