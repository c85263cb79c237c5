// Commands that connect to a cluster, on a machine whose clock is wrong: its API server knows how old its objects are.

import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { startTestCluster } from "./commands/cleanup/cluster.ts";

const HOUR_MS = 3_600_000;

/** A command line where this machine's clock is so many hours ahead, and a Job that succeeded two hours ago. */
async function ran(hoursAhead: number, ...argv: readonly string[]) {
  const cluster = await startTestCluster();
  cluster.job("ended", cluster.flowRun("Success", "quick-fox"));
  const now = (): Date => new Date(Date.now() + hoursAhead * HOUR_MS);
  const result = await cluster.run(argv, { clock: { ...systemClock, now } });
  return { ...result, left: cluster.left("jobs") };
}

describe.each([8, -8])("with this machine's clock %i hours ahead", (hoursAhead) => {
  it.each([
    { olderThan: "3h", left: ["ended"] },
    { olderThan: "1h", left: [] },
  ])("cleanup --older-than $olderThan goes by the API server's time", async ({ olderThan, left }) => {
    const done = await ran(hoursAhead, "cleanup", "--yes", "--jobs", "--older-than", olderThan);
    expect(done.left).toEqual(left);
  });

  it.each([
    { argv: ["jobs"] },
    { argv: ["jobs", "-o", "wide"] },
    { argv: ["cleanup", "--dry-run"] },
    { argv: ["inspect", "quick-fox"] },
  ])("$argv shows the age by the API server's time", async ({ argv }) => {
    // The server tells its time in whole seconds.
    expect((await ran(hoursAhead, ...argv)).stdout).toMatch(/\b(?:2h|120m|2h0m|119m|1h59m(?:5\ds)?)\b/);
  });
});
