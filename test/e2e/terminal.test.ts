// cleanup and cancel as a person meets them: the built plugin of the real kubectl at a real terminal, Ctrl-C included, on
// clusters that the test holds in its hand (the fakes), so that what happens in between is exact.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { NAMESPACE, startWorld } from "../cli/commands/cleanup/cluster.ts";
import type { World } from "../cli/commands/cleanup/cluster.ts";
import { Terminal, whyNoTerminal } from "../support/terminal.ts";
import { PluginProcess } from "./support/agent-process.ts";

const absent = whyNoTerminal();
if (absent !== undefined) process.stderr.write(`skipped, at a terminal: ${absent}\n`);

const CTRL_C = "\u0003";
const OLD = "--older-than=0s";

function environment(world: World): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), "kubectl-prefect-e2e-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const kubeconfig = join(home, "config");
  writeFileSync(kubeconfig, world.kube.kubeconfig({ namespace: NAMESPACE }));
  const prefect = { PREFECT__CLOUD__API: world.prefect.url, PREFECT__BACKEND: "server" };
  return { HOME: home, KUBECONFIG: kubeconfig, NO_COLOR: "1", ...prefect };
}

function atTerminal(args: readonly string[], world: World): Terminal {
  const env = { TERM: "xterm", ...environment(world) };
  return new Terminal(["kubectl", "prefect", ...args], { columns: 140, rows: 40 }, env);
}

/** A world with so many finished Jobs, and a server that takes its time for deletions. */
async function slowWorld(jobs: number): Promise<World> {
  const world = await startWorld();
  const id = world.flowRun("Success", "ended");
  for (let at = 0; at < jobs; at++) world.job(`job-${at}`, id);
  world.kube.faults.add({
    action: { kind: "delay", ms: 200 },
    match: ({ verb }) => verb === "delete",
    times: Number.POSITIVE_INFINITY,
  });
  return world;
}

/** Calls once, when so many deletions have been asked for. */
function atDeletion(world: World, count: number, then: () => void): void {
  let seen = 0;
  world.kube.setOnRequest(({ verb }) => {
    if (verb === "delete" && ++seen === count) then();
  });
}

describe("cleanup that is interrupted", () => {
  it("by SIGINT: ends what is under way, and reports exactly what went and what did not", async () => {
    const world = await slowWorld(400);
    const plugin = new PluginProcess(["cleanup", "--yes", OLD], environment(world));
    atDeletion(world, 50, () => plugin.signal("SIGINT"));
    const { code, stdout, stderr } = await plugin.ended;
    const left = world.left("jobs").length;
    expect(left).toBeGreaterThan(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(400 - left);
    expect(stderr).toBe(`removed ${400 - left} Jobs; interrupted before ${left}\n`);
    expect(code).toBe(130);
  });

  it("says in -o json what became of each object", async () => {
    const world = await slowWorld(200);
    const plugin = new PluginProcess(["cleanup", "--yes", "-o", "json", OLD], environment(world));
    atDeletion(world, 20, () => plugin.signal("SIGTERM"));
    const { code, stdout } = await plugin.ended;
    const { items } = JSON.parse(stdout) as { items: { name: string; outcome: string }[] };
    const untried = items.filter(({ outcome }) => outcome === "untried").map(({ name }) => name);
    expect(untried.sort()).toEqual(world.left("jobs"));
    expect([code, items.length]).toEqual([130, 200]);
  });
});

describe.skipIf(absent !== undefined)("at a terminal", () => {
  it("cleanup spares a pod that has started while the person read the plan", async () => {
    const world = await startWorld();
    const cluster = `dask-${world.flowRun("Failed", "late")}-0123abcd-4`;
    world.daskPod("starting", cluster, { phase: "Pending" });
    world.daskPod("waiting", cluster, { phase: "Pending" });
    const terminal = atTerminal(["cleanup", OLD], world);
    await terminal.shows(/Remove 2 pods\? \[y\/N\]/);
    world.daskPod("starting", cluster, { phase: "Running" });
    terminal.types("y\n");
    expect(await terminal.ended).toBe(0);
    expect(world.left("pods")).toEqual(["starting"]);
    expect(terminal.screen.seen().slice(-2)).toEqual([
      'left alone: pod/starting in namespace "flows": it has started to run since',
      "removed 1 pod; 1 left alone after all",
    ]);
  });

  it("Ctrl-C at the question removes nothing", async () => {
    const world = await startWorld();
    world.job("job-ended", world.flowRun("Success", "ended"));
    const terminal = atTerminal(["cleanup", OLD], world);
    await terminal.shows(/Remove 1 Job\? \[y\/N\]/);
    terminal.types(CTRL_C);
    expect([await terminal.ended, world.left("jobs")]).toEqual([130, ["job-ended"]]);
  });

  it("cleanup shows how far it is, and Ctrl-C leaves its report and nothing else", async () => {
    const world = await slowWorld(300);
    const terminal = atTerminal(["cleanup", OLD], world);
    await terminal.shows(/Remove 300 Jobs\? \[y\/N\]/);
    terminal.types("y\n");
    await terminal.shows(/cleaning up: \d+ of 300/);
    terminal.types(CTRL_C);
    expect(await terminal.ended).toBe(130);
    const left = world.left("jobs").length;
    expect(left).toBeGreaterThan(0);
    const seen = terminal.screen.seen();
    expect(seen.at(-1)).toBe(`removed ${300 - left} Jobs; interrupted before ${left}`);
    expect(seen.filter((line) => line.includes("cleaning up"))).toEqual([]);
  });

  it("the line about progress and the lines about what went keep apart", async () => {
    const world = await slowWorld(40);
    const terminal = atTerminal(["cleanup", "--yes", OLD], world);
    expect(await terminal.ended).toBe(0);
    const seen = terminal.screen.seen();
    expect(
      seen.filter((line) => /^job\.batch "job-\d+" deleted from flows namespace$/.test(line)),
    ).toHaveLength(40);
    expect(seen).toHaveLength(41);
    expect(seen.at(-1)).toBe("removed 40 Jobs");
  });

  it("cancel says what it waits for, until the flow has ended itself", async () => {
    const world = await startWorld();
    const id = world.flowRun("Running", "quick-fox");
    world.job("job-fox", id, { status: { active: 1, ready: 1 } });
    world.jobPod("pod-fox", "job-fox");
    const terminal = atTerminal(["cancel", "quick-fox"], world);
    await terminal.shows(/waiting for pod "pod-fox" to end by itself, \d+s left/);
    await terminal.shows(/to end by itself, 5[0-8]s left/);
    world.prefect.setState(id, { type: "Cancelled" });
    world.job("job-fox", id);
    world.jobPod("pod-fox", "job-fox", "Succeeded");
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen.seen()).toEqual([
      `flow run "quick-fox" (${id}) is Cancelling`,
      'job.batch "job-fox" deleted from flows namespace',
      "removed 1 Job",
    ]);
  });

  it("cancel that is interrupted while it waits removes nothing, and says so", async () => {
    const world = await startWorld();
    const id = world.flowRun("Running", "quick-fox");
    world.job("job-fox", id, { status: { active: 1, ready: 1 } });
    world.jobPod("pod-fox", "job-fox");
    const terminal = atTerminal(["cancel", "quick-fox"], world);
    await terminal.shows(/waiting for pod/);
    terminal.types(CTRL_C);
    expect([await terminal.ended, world.left("jobs")]).toEqual([130, ["job-fox"]]);
    expect(terminal.screen.seen()).toEqual([
      `flow run "quick-fox" (${id}) is Cancelling`,
      "interrupted: nothing removed",
    ]);
  });
});
