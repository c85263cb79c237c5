// jobs -w: what it appends when only time passes. In virtual time.

import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { listColumns } from "../../../../src/cli/commands/jobs/columns.ts";
import { watchRows } from "../../../../src/cli/commands/jobs/watch.ts";
import type { QueryResult } from "../../../../src/cli/commands/jobs/watch.ts";
import { ownerWarnings } from "../../../../src/inventory/agent-polls.ts";
import { listRows } from "../../../../src/inventory/list-row.ts";
import { inventoryRun, job, known, NOW, observedJob, RUN_A } from "../../../dask/samples.ts";
import { clockOf } from "../../../support/clock.ts";

const jobs = [observedJob(job("job-a", RUN_A))];

/** What is printed while these queries are answered one after another, each with how long the run's agent has been silent. */
async function watched(silences: readonly number[]) {
  const printed = { rows: "", warnings: [] as string[] };
  const stop = new AbortController();
  let asked = 0;
  const query = (): Promise<QueryResult> => {
    const owner = { name: "gpu", labels: [], silentMs: silences[asked++] };
    if (asked === silences.length) stop.abort();
    const runs = [inventoryRun(RUN_A, { jobs, status: known("Running"), owner })];
    const warnings = ownerWarnings(runs);
    return Promise.resolve({ rows: listRows({ runs, unownedDask: [] }, NOW), warnings });
  };
  const stdout = new Writable({
    write: (chunk: Buffer, _, done) => {
      printed.rows += chunk.toString();
      done();
    },
  });
  await watchRows({
    format: "wide",
    columns: listColumns(() => NOW, false),
    noHeaders: true,
    name: () => "",
    toObject: () => ({}),
    clock: clockOf({ now: () => NOW }),
    signal: stop.signal,
    env: {},
    stdout,
    query,
    printWarning: (line) => printed.warnings.push(line),
  });
  return { rows: printed.rows.trimEnd().split("\n"), warnings: printed.warnings };
}

describe("jobs -w", () => {
  it("prints a row and a warning once while the agent of its run is gone, however long", async () => {
    const { rows, warnings } = await watched([302_000, 304_000, 7_200_000]);
    expect([rows.length, warnings.length]).toEqual([1, 1]);
    expect(rows[0]).toContain('its agent "gpu" has not polled for 5m2s');
    expect(warnings[0]).toContain('agent "gpu" with no labels has not polled for 5m2s: until');
  });

  it("prints both when the agent goes", async () => {
    const { rows, warnings } = await watched([2_000, 4_000, 302_000]);
    expect([rows.length, warnings.length]).toEqual([2, 1]);
  });
});
