// The reader of stdout has closed the pipe, as in `kubectl prefect jobs | head -1`: exit code 0 and no error.

import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { dueRun, eventually, launchedOnce, launchCounts } from "./support/flow-runs.ts";
import { startFakes } from "./support/fakes.ts";
import type { Fakes } from "./support/fakes.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

let fakes: Fakes;
let home: string;

beforeEach(async () => {
  fakes = await startFakes({ script: () => "never" });
  home = mkdtempSync(join(tmpdir(), "pipe-"));
  writeFileSync(join(home, "config"), fakes.kube.kubeconfig());
  const { id } = fakes.prefect.createFlowRun({ flow: fakes.prefect.createFlow({ name: "etl" }) });
  fakes.prefect.setState(id, { type: "Success" });
  const labels = { "prefect.io/flow_run_id": id };
  const containers = [{ name: "flow", image: "flow" }];
  fakes.kube.put("jobs", {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "prefect-job-1", namespace: "default", labels },
    spec: { template: { spec: { restartPolicy: "Never", containers } } },
  });
});

afterEach(async () => {
  await fakes.stop();
  rmSync(home, { recursive: true });
});

interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Exit code and stderr. */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

function start(...argv: readonly string[]): Started {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: {
      HOME: home,
      PATH: process.env["PATH"],
      KUBECONFIG: join(home, "config"),
      PREFECT__BACKEND: "server",
      PREFECT__CLOUD__API: fakes.prefect.url,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return { child, ended: once(child, "close").then(([code]) => ({ code: code as number | null, stderr })) };
}

describe("when the reader of stdout has closed the pipe", () => {
  it.each([
    [["--help"]],
    [["install", "--api", "http://prefect:4200"]],
    [["jobs"]],
    [["jobs", "-o", "json"]],
    [["jobs", "--watch"]],
  ])("%j exits with 0 and prints no error", async (argv) => {
    const { child, ended } = start(...argv);
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 0, stderr: "" });
  });

  it("the agent finishes the launch in flight and exits with 0", async () => {
    const { child, ended } = start("agent", "start");
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await eventually(() => expect(output).toContain("Waiting for flow runs"));
    // It notices the closed pipe when it writes its next log line, after the claim.
    fakes.prefect.onRequest(({ fields }) => {
      if (fields.includes("set_flow_run_states")) child.stdout.destroy();
    });
    const id = dueRun(fakes);
    expect(await ended).toEqual({ code: 0, stderr: "" });
    expect(fakes.prefect.logsOf(id)).toHaveLength(1);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });

  it.each([
    [["cleanup", "--yes", "--older-than", "0s"]],
    [["-n", "default", "cleanup", "--yes", "--older-than", "0s"]],
  ])("%j exits with 0 only if everything is gone", async (argv) => {
    for (let at = 0; at < 150; at++) fakes.kube.put("jobs", finishedJob(`stale-${at}`));
    const { child, ended } = start(...argv);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const { code } = await ended;
    const left = fakes.kube.list("jobs").filter(({ metadata }) => metadata.name.startsWith("stale-")).length;
    expect({ isDone: code === 0, isEmpty: left === 0 }).toEqual({ isDone: left === 0, isEmpty: left === 0 });
  });
});

function finishedJob(name: string): JsonObject {
  const at = "2026-01-01T00:00:00Z";
  const containers = [{ name: "flow", image: "flow" }];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace: "default",
      labels: { "prefect.io/flow_run_id": crypto.randomUUID(), "prefect.io/identifier": "x" },
      creationTimestamp: at,
    },
    spec: { template: { spec: { restartPolicy: "Never", containers } } },
    status: {
      conditions: [{ type: "Complete", status: "True", lastTransitionTime: at }],
      completionTime: at,
    },
  };
}
