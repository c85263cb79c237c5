// What commands print on terminals of 80 and 120 columns: no line is longer, no word is broken, and the most important comes
// first. In a pipe nothing is shortened.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { displayWidth } from "../../src/output/text-width.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { ended, POD, putJob, startTestCluster } from "../inventory/test-cluster.ts";
import { runCli } from "../support/run-cli.ts";
import { linesOnTerminal, noTerminalReason } from "../support/terminal.ts";

const absent = noTerminalReason();
if (absent !== undefined) process.stderr.write(`skipped, commands on a terminal: ${absent}\n`);

const IMAGE = "registry.example.com/data/nightly-report:2026.11.28";
const UNKNOWN = `rpc error: code = NotFound desc = failed to pull and unpack image "${IMAGE}": manifest unknown`;

interface World {
  /** For commands on a terminal. */
  readonly env: Readonly<Record<string, string>>;
  /** What a command writes into a pipe. */
  readonly inPipe: (argv: readonly string[]) => Promise<string>;
}

/** A run that works, one that failed, and one whose image cannot be pulled; all with long names. */
async function world(): Promise<World> {
  const cluster = await startTestCluster();
  const prefect = await startFakePrefect1();
  onTestFinished(() => prefect.stop());
  const flow = prefect.createFlow({ name: "etl" });
  const put = (name: string, state: string, more: { pod: JsonObject; status?: JsonObject }): void => {
    const { id } = prefect.createFlowRun({ flow, name });
    prefect.setState(id, { type: state });
    const containers = [{ name: "flow", image: IMAGE }];
    putJob(cluster, `prefect-job-${id.slice(0, 8)}`, { run: id, podSpec: { containers }, ...more });
  };
  put("nightly-report-of-the-finance-department", "Running", { pod: POD.running });
  put("train", "Failed", { pod: POD.failed, status: ended("Failed") });
  const waiting = { reason: "ImagePullBackOff", message: `Back-off pulling image "${IMAGE}": ${UNKNOWN}` };
  const containerStatuses = [{ name: "flow", ready: false, restartCount: 0, state: { waiting } }];
  put("wrong-image", "Submitted", { pod: { phase: "Pending", containerStatuses } });
  const home = mkdtempSync(join(tmpdir(), "terminal-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, "config"), cluster.fake.kubeconfig());
  const api = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
  return {
    env: { HOME: home, KUBECONFIG: join(home, "config"), NO_COLOR: "1", ...api },
    inPipe: async (argv) => (await cluster.cli(argv, { env: api })).stdout,
  };
}

/** The words of a text, however it is wrapped. */
function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "" && !/^[├└│─\\|`#-]+$/.test(word));
}

function widest(lines: readonly string[]): number {
  return Math.max(...lines.map(displayWidth));
}

describe.skipIf(absent !== undefined).each([80, 120])("on a terminal of %d columns", (columns) => {
  it.each([
    { argv: [], order: ["Agent:", "Flow runs:", "Other:", "Examples:", "Usage:"] },
    {
      argv: ["agent", "start"],
      order: ["Run the agent", "Examples:", "Options:", "Prefect:", "Cluster", "General:", "Usage:"],
    },
    { argv: ["install"], order: ["Print the manifests", "Examples:", "Options:", "Usage:"] },
    { argv: ["cleanup"], order: ["Delete stale Jobs", "Options:", "  -h, --help", "Usage:"] },
  ])("the help of $argv is set for the width", async ({ argv, order }) => {
    const lines = await linesOnTerminal([...argv, "--help"], columns);
    expect(widest(lines)).toBeLessThanOrEqual(columns);
    expect(widest(lines)).toBeGreaterThan(columns - 15);
    const places = order.map((start) => lines.findIndex((line) => line.startsWith(start)));
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places).not.toContain(-1);
    const { stdout } = await runCli([...argv, "--help"]);
    expect(wordsOf(lines.join("\n"))).toEqual(wordsOf(stdout));
  });

  it("jobs shortens names, and never the status", async () => {
    const { env } = await world();
    const [header = "", ...rows] = await linesOnTerminal(["jobs"], columns, env);
    expect(widest([header, ...rows])).toBeLessThanOrEqual(columns);
    expect(header).toMatch(/^FLOW RUN +ID +STATE .* PODS .* AGE +STATUS$/);
    expect(rows.every((row) => / (?:active|failed|stuck)$/.test(row))).toBe(true);
    expect(rows.join("\n")).toMatch(/^nightly\S*…\S*partment /m);
    expect(rows.join("\n")).toContain(" 0/1 ImagePullBackOff ");
  });

  it("jobs -o wide leaves out what is needed least, and keeps the reason", async () => {
    const { env } = await world();
    const lines = await linesOnTerminal(["jobs", "-A", "-o", "wide"], columns, env);
    expect(widest(lines)).toBeLessThanOrEqual(columns);
    expect(lines[0]).toMatch(/^NAMESPACE +FLOW RUN +ID .*STATUS +REASON$/);
    expect(lines[0]).not.toContain("NODE");
    expect(lines.join("\n")).toMatch(/ failed +container 'flow' exited/);
  });

  it("inspect says first what is wrong, once, and breaks no word", async () => {
    const { env, inPipe } = await world();
    const lines = await linesOnTerminal(["inspect", "wrong-image"], columns, env);
    expect(widest(lines)).toBeLessThanOrEqual(columns);
    const text = lines.join("\n");
    expect(text).toMatch(
      /^STATUS stuck: image[^]*\n\nflow run wrong-image [^]*\n\nAN AGENT WOULD\n[^]*\n\nCLEANUP WOULD/,
    );
    expect(wordsOf(text).join(" ").split("manifest unknown")).toHaveLength(2);
    const whole = await inPipe(["inspect", "wrong-image"]);
    expect(wordsOf(text.replaceAll(/[├└│]/g, " "))).toEqual(wordsOf(whole));
  });

  it("cleanup --dry-run shows the whole reason before other columns", async () => {
    const { env } = await world();
    const argv = ["cleanup", "--dry-run", "--older-than", "0"];
    const lines = await linesOnTerminal(argv, columns, env);
    expect(widest(lines)).toBeLessThanOrEqual(columns);
    expect(lines[0]).toMatch(/^OBJECT +REASON /);
    expect(lines[1]).toMatch(/^job\.batch\/prefect-job-\w{8} +failed 3d ago /);
    expect(lines.at(-1)).toMatch(/^would remove 1 Job /);
  });
});

describe("in a pipe", () => {
  it("jobs shortens nothing and has all columns", async () => {
    const { inPipe } = await world();
    const [header, ...rows] = (await inPipe(["jobs"])).trimEnd().split("\n");
    expect(header).toMatch(/^FLOW RUN +ID +STATE +JOB +PODS +RESTARTS +AGE +STATUS$/);
    expect(rows.join("\n")).toMatch(/^nightly-report-of-the-finance-department .* prefect-job-\w{8} /m);
  });

  it("inspect writes each text in one line", async () => {
    const { inPipe } = await world();
    const [status] = (await inPipe(["inspect", "wrong-image"])).split("\n");
    expect(status).toMatch(/^STATUS stuck: image .* cannot be pulled .*: manifest unknown\)$/);
  });
});
