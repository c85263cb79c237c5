// kubectl prefect jobs -w on a real terminal: one table in place while the cluster and the window change.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ended, POD, putJob, startTestCluster, runId } from "../../../inventory/test-cluster.ts";
import type { TestCluster } from "../../../inventory/test-cluster.ts";
import { PROGRAM, Terminal, noTerminalReason } from "../../../support/terminal.ts";

const NAMES = ["amber-fox", "busy-bee", "calm-crow"];

const absent = noTerminalReason();
if (absent !== undefined) process.stderr.write(`skipped, jobs -w on a terminal: ${absent}\n`);

function putRun(testCluster: TestCluster, name: string, more: object = {}): void {
  const digit = 1 + NAMES.indexOf(name);
  const labels = { "prefect.io/flow-run-id": runId(digit), "prefect.io/flow-run-name": name };
  putJob(testCluster, `${name}-x1`, { run: runId(digit), labels, pod: POD.running, ...more });
}

function watching(testCluster: TestCluster): Terminal {
  const home = mkdtempSync(join(tmpdir(), "terminal-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const kubeconfig = join(home, "kubeconfig");
  writeFileSync(kubeconfig, testCluster.fake.kubeconfig());
  const env = { HOME: home, KUBECONFIG: kubeconfig, TERM: "xterm", NO_COLOR: "1" };
  return new Terminal([...PROGRAM, "jobs", "-w"], { columns: 100, rows: 24 }, env);
}

describe.skipIf(absent !== undefined)("kubectl prefect jobs -w on a terminal", () => {
  it("redraws one table in place, fits it to the window, and leaves a clean terminal after Ctrl-C", async () => {
    const testCluster = await startTestCluster();
    putRun(testCluster, "amber-fox");
    putRun(testCluster, "busy-bee", { pod: POD.pulling });
    const terminal = watching(testCluster);
    await terminal.shows(/^amber-fox .*1\/1 Running .*\nbusy-bee .*0\/1 ImagePullBackOff .* stuck$/m);

    putRun(testCluster, "busy-bee", { pod: POD.failed, status: ended("Failed") });
    putRun(testCluster, "calm-crow");
    await terminal.shows(/^busy-bee .*0\/1 Error .* failed\ncalm-crow .* active$/m);

    expect(terminal.screen.seen()[0]).toMatch(/^warning: states of Prefect 2 and 3 flow runs are unknown/);

    terminal.narrowTo(40);
    await terminal.shows(
      /^FLOW RUN +ID +STATUS\namber-fox +\w{8} +active\nbusy-bee +\w{8} +failed\ncalm-crow .* active$/m,
    );
    expect(terminal.screen.seen().filter((line) => line.startsWith("FLOW RUN"))).toHaveLength(1);

    terminal.types("\u0003");
    expect(await terminal.ended).toBe(130);
    expect(terminal.screen.seen().at(-1)).toMatch(/^calm-crow /);
  });
});
