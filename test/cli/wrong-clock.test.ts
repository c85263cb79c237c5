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

describe.each([1, -1])("with Prefect's clock %i hour ahead of the API server's", (hoursAhead) => {
  it.each([
    { argv: ["jobs", "--since", "30m", "-o", "wide"], want: /no-job .* Failed \d+(?:s|ms) ago/ },
    { argv: ["cleanup", "--dry-run", "-v"], want: /live in .*is Cancelled \(for only \d+(?:s|ms)\)/ },
    { argv: ["inspect", "no-job"], want: /Failed \d+(?:s|ms) ago/ },
  ])("$argv compares each with its own server's time", async ({ argv, want }) => {
    const now = (): Date => new Date(Date.now() + hoursAhead * HOUR_MS);
    const cluster = await startTestCluster([], { clock: { ...systemClock, now } });
    cluster.job("live", cluster.flowRun("Cancelled", "quick-fox"), { status: { active: 1 } });
    cluster.flowRun("Failed", "no-job");
    const { stdout, stderr } = await cluster.run(argv);
    expect(stdout + stderr).toMatch(want);
  });
});

it.each([false, true])(
  "with this machine's clock two hours ahead jobs shows what ended within --since (tenant set: %s)",
  async (isSet) => {
    const cluster = await startTestCluster();
    cluster.flowRun("Failed", "just-ended");
    const now = (): Date => new Date(Date.now() + 2 * HOUR_MS);
    const env = isSet ? { PREFECT__CLOUD__TENANT_ID: cluster.prefect.tenantId } : {};
    const { stdout } = await cluster.run(["jobs"], { env, clock: { ...systemClock, now } });
    expect(stdout).toMatch(/^just-ended /m);
  },
);

describe.each([8, -8])("with this machine's clock %i hours ahead", (hoursAhead) => {
  it.each([
    { olderThan: "3h", left: ["ended"] },
    { olderThan: "1h", left: [] },
  ])("cleanup --older-than $olderThan goes by the API server's time", async ({ olderThan, left }) => {
    const done = await ran(hoursAhead, "cleanup", "--yes", "--jobs", "--older-than", olderThan);
    expect(done.left).toEqual(left);
  });

  it("doctor finds what cleanup would remove by the API server's time", async () => {
    expect((await ran(hoursAhead, "doctor")).stdout).toContain("leftovers: cleanup would remove 1 Job");
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
