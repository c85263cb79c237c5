// cleanup and cancel at a real terminal, Ctrl-C included: the built plugin of the real kubectl, on the fakes, so that the test
// controls what happens in between.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { NAMESPACE, startTestCluster } from "../cli/commands/cleanup/cluster.ts";
import type { TestCluster } from "../cli/commands/cleanup/cluster.ts";
import { Terminal, noTerminalReason } from "../support/terminal.ts";
import { PluginProcess } from "./support/agent-process.ts";

const absent = noTerminalReason();
if (absent !== undefined) process.stderr.write(`skipped, at a terminal: ${absent}\n`);

const CTRL_C = "\u0003";
const OLD = "--older-than=0s";

function environment(fakes: TestCluster): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), "kubectl-prefect-e2e-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const kubeconfig = join(home, "config");
  writeFileSync(kubeconfig, fakes.kube.kubeconfig({ namespace: NAMESPACE }));
  const prefect = { PREFECT__CLOUD__API: fakes.prefect.url, PREFECT__BACKEND: "server" };
  return { HOME: home, KUBECONFIG: kubeconfig, NO_COLOR: "1", ...prefect };
}

function atTerminal(args: readonly string[], fakes: TestCluster): Terminal {
  const env = { TERM: "xterm", ...environment(fakes) };
  return new Terminal(["kubectl", "prefect", ...args], { columns: 140, rows: 40 }, env);
}

/** Fakes with this many finished Jobs, on which each deletion takes 200 ms. */
async function slowFakes(jobs: number): Promise<TestCluster> {
  const fakes = await startTestCluster();
  const id = fakes.flowRun("Success", "ended");
  for (let at = 0; at < jobs; at++) fakes.job(`job-${at}`, id);
  fakes.kube.fault({
    effect: { kind: "delay", ms: 200 },
    match: ({ verb }) => verb === "delete",
    times: Number.POSITIVE_INFINITY,
  });
  return fakes;
}

/** Calls the function once, at this deletion request. */
function atDeletion(fakes: TestCluster, count: number, then: () => void): void {
  let seen = 0;
  fakes.kube.setOnRequest(({ verb }) => {
    if (verb === "delete" && ++seen === count) then();
  });
}

describe("cleanup that is interrupted", () => {
  it("by SIGINT finishes requests in flight and reports exactly what was deleted and what was not", async () => {
    const fakes = await slowFakes(400);
    const plugin = new PluginProcess(["cleanup", "--yes", OLD], environment(fakes));
    atDeletion(fakes, 50, () => plugin.signal("SIGINT"));
    const { code, stdout, stderr } = await plugin.ended;
    const left = fakes.left("jobs").length;
    expect(left).toBeGreaterThan(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(400 - left);
    expect(stderr).toBe(`removed ${400 - left} Jobs; ${left} not attempted (interrupted)\n`);
    expect(code).toBe(130);
  });

  it("reports the outcome of each object with -o json", async () => {
    const fakes = await slowFakes(200);
    const plugin = new PluginProcess(["cleanup", "--yes", "-o", "json", OLD], environment(fakes));
    atDeletion(fakes, 20, () => plugin.signal("SIGTERM"));
    const { code, stdout } = await plugin.ended;
    const { items } = JSON.parse(stdout) as { items: { name: string; outcome: string }[] };
    const untried = items.filter(({ outcome }) => outcome === "not attempted").map(({ name }) => name);
    expect(untried.sort()).toEqual(fakes.left("jobs"));
    expect([code, items.length]).toEqual([130, 200]);
  });
});

describe.skipIf(absent !== undefined)("at a terminal", () => {
  it("cleanup keeps a pod that starts while the question is shown", async () => {
    const fakes = await startTestCluster();
    const cluster = `dask-${fakes.flowRun("Failed", "late")}-0123abcd-4`;
    fakes.daskPod("starting", cluster, { phase: "Pending" });
    fakes.daskPod("waiting", cluster, { phase: "Pending" });
    const terminal = atTerminal(["cleanup", OLD], fakes);
    await terminal.shows(/Remove 2 pods\? \[y\/N\]/);
    fakes.daskPod("starting", cluster, { phase: "Running" });
    terminal.types("y\n");
    expect(await terminal.ended).toBe(0);
    expect(fakes.left("pods")).toEqual(["starting"]);
    expect(terminal.screen.seen().slice(-2)).toEqual([
      'skipped: pod/starting in namespace "flows": it has started running',
      "removed 1 pod; 1 skipped",
    ]);
  });

  it("Ctrl-C at the question deletes nothing", async () => {
    const fakes = await startTestCluster();
    fakes.job("job-ended", fakes.flowRun("Success", "ended"));
    const terminal = atTerminal(["cleanup", OLD], fakes);
    await terminal.shows(/Remove 1 Job\? \[y\/N\]/);
    terminal.types(CTRL_C);
    expect([await terminal.ended, fakes.left("jobs")]).toEqual([130, ["job-ended"]]);
  });

  it("cleanup shows its progress, and Ctrl-C replaces that with the report", async () => {
    const fakes = await slowFakes(300);
    const terminal = atTerminal(["cleanup", OLD], fakes);
    await terminal.shows(/Remove 300 Jobs\? \[y\/N\]/);
    terminal.types("y\n");
    await terminal.shows(/cleaning up: \d+ of 300/);
    terminal.types(CTRL_C);
    expect(await terminal.ended).toBe(130);
    const left = fakes.left("jobs").length;
    expect(left).toBeGreaterThan(0);
    const seen = terminal.screen.seen();
    expect(seen.at(-1)).toBe(`removed ${300 - left} Jobs; ${left} not attempted (interrupted)`);
    expect(seen.filter((line) => line.includes("cleaning up"))).toEqual([]);
  });

  it("the progress line does not mix with the lines about deleted objects", async () => {
    const fakes = await slowFakes(40);
    const terminal = atTerminal(["cleanup", "--yes", OLD], fakes);
    expect(await terminal.ended).toBe(0);
    const seen = terminal.screen.seen();
    expect(
      seen.filter((line) => /^job\.batch "job-\d+" deleted from flows namespace$/.test(line)),
    ).toHaveLength(40);
    expect(seen).toHaveLength(41);
    expect(seen.at(-1)).toBe("removed 40 Jobs");
  });

  it("cancel shows what it waits for until the flow has ended", async () => {
    const fakes = await startTestCluster();
    const id = fakes.flowRun("Running", "quick-fox");
    fakes.job("job-fox", id, { status: { active: 1, ready: 1 } });
    fakes.jobPod("pod-fox", "job-fox");
    const terminal = atTerminal(["cancel", "quick-fox"], fakes);
    await terminal.shows(/waiting for pod "pod-fox" to terminate, \d+s left/);
    await terminal.shows(/to terminate, 5[0-8]s left/);
    fakes.prefect.setState(id, { type: "Cancelled" });
    fakes.job("job-fox", id);
    fakes.jobPod("pod-fox", "job-fox", "Succeeded");
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen.seen()).toEqual([
      `flow run "quick-fox" (${id}) is Cancelling`,
      'job.batch "job-fox" deleted from flows namespace',
      `flow run "quick-fox" (${id}) is Cancelled`,
      "removed 1 Job",
    ]);
  });

  it("cancel that is interrupted while it waits deletes nothing and reports it", async () => {
    const fakes = await startTestCluster();
    const id = fakes.flowRun("Running", "quick-fox");
    fakes.job("job-fox", id, { status: { active: 1, ready: 1 } });
    fakes.jobPod("pod-fox", "job-fox");
    const terminal = atTerminal(["cancel", "quick-fox"], fakes);
    await terminal.shows(/waiting for pod/);
    terminal.types(CTRL_C);
    expect([await terminal.ended, fakes.left("jobs")]).toEqual([130, ["job-fox"]]);
    expect(terminal.screen.seen()).toEqual([
      `flow run "quick-fox" (${id}) is Cancelling`,
      "interrupted: nothing removed",
    ]);
  });
});
