// kubectl prefect logs for several runs at once.

import { describe, expect, it } from "vitest";
import { POD, putJob, runId, startTestCluster } from "../../../inventory/test-cluster.ts";
import type { TestCluster } from "../../../inventory/test-cluster.ts";

const LABELS = { "prefect.io/identifier": "x", team: "data" };

async function twoRuns(): Promise<TestCluster> {
  const cluster = await startTestCluster();
  for (const [name, digit] of [
    ["job-1", 1],
    ["job-2", 2],
  ] as const) {
    const labels = { ...LABELS, "prefect.io/flow_run_id": runId(digit) };
    putJob(cluster, name, { run: runId(digit), labels, pod: POD.running });
    cluster.fake.writeLog({ namespace: "default", name: `${name}-pod` }, "flow", `é of ${name}\nsecond`);
  }
  return cluster;
}

describe("logs of several runs", () => {
  it.each([{ argv: [runId(1), runId(2)] }, { argv: ["-l", "team=data"] }])(
    "start each line with the run: $argv",
    async ({ argv }) => {
      const { cli } = await twoRuns();
      const { stdout, stderr, exitCode } = await cli(["logs", ...argv]);
      expect(stdout).toBe("11111111 é of job-1\n11111111 second\n22222222 é of job-2\n22222222 second\n");
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    },
  );

  it("have a colour for each run on a terminal", async () => {
    const { cli } = await twoRuns();
    const { stdout } = await cli(["logs", runId(1), runId(2), "--tail", "1"], { isTerminal: true });
    expect(stdout).toBe("\u001b[36m11111111 \u001b[39msecond\n\u001b[35m22222222 \u001b[39msecond\n");
  });

  it("have no prefix if they are one run, or none", async () => {
    const { cli } = await twoRuns();
    expect((await cli(["logs", "11111111", runId(1)])).stdout).toBe("é of job-1\nsecond\n");
    expect(await cli(["logs", "-l", "team=ops"])).toMatchObject({
      stdout: "",
      stderr: "No resources found in default namespace.\n",
      exitCode: 0,
    });
  });

  it("are printed although one of them has none", async () => {
    const cluster = await twoRuns();
    putJob(cluster, "job-3", { run: runId(3) });
    const { stdout, stderr, exitCode } = await cluster.cli(["logs", runId(3), runId(1), "--tail", "1"]);
    expect(stdout).toBe("11111111 second\n");
    expect(stderr).toContain(`error: cannot read the logs of flow run "${runId(3)}": it has no pod`);
    expect(exitCode).toBe(1);
  });

  it("are not chosen in two ways", async () => {
    const { cli } = await twoRuns();
    expect(await cli(["logs", runId(1), "-l", "team=data"])).toMatchObject({
      stderr: "error: cannot print logs: both RUN and -l are given\nhint: use either RUN or -l\n",
      exitCode: 2,
    });
  });
});
