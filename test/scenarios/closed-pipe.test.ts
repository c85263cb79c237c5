// A reader that has seen enough and went away, as in `kubectl prefect jobs | head -1`: silence, and 0.

import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dueRun, eventually, onceEach, countsText } from "./support/stories.ts";
import { startWorld } from "./support/world.ts";
import type { World } from "./support/world.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

let world: World;
let home: string;

beforeEach(async () => {
  world = await startWorld({ script: () => "never" });
  home = mkdtempSync(join(tmpdir(), "pipe-"));
  writeFileSync(join(home, "config"), world.kube.kubeconfig());
  const labels = { "prefect.io/flow_run_id": "11111111-2222-4333-8444-555555555555" };
  const containers = [{ name: "flow", image: "flow" }];
  world.kube.put("jobs", {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "prefect-job-1", namespace: "default", labels },
    spec: { template: { spec: { restartPolicy: "Never", containers } } },
  });
});

afterEach(async () => {
  await world.stop();
  rmSync(home, { recursive: true });
});

interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Exit code and what it said on stderr. */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

function start(...argv: readonly string[]): Started {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: {
      HOME: home,
      PATH: process.env["PATH"],
      KUBECONFIG: join(home, "config"),
      PREFECT__BACKEND: "server",
      PREFECT__CLOUD__API: world.prefect.url,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return { child, ended: once(child, "close").then(([code]) => ({ code: code as number | null, stderr })) };
}

describe("without a reader", () => {
  it.each([
    [["--help"]],
    [["install", "--api", "http://prefect:4200"]],
    [["jobs"]],
    [["jobs", "-o", "json"]],
    [["jobs", "--watch"]],
  ])("%j ends with 0 and says nothing", async (argv) => {
    const { child, ended } = start(...argv);
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 0, stderr: "" });
  });

  it("the agent ends in good order with what it has begun", async () => {
    const { child, ended } = start("agent", "start");
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await eventually(() => expect(output).toContain("Waiting for flow runs"));
    child.stdout.destroy();
    // It notices when it has something to say.
    const id = dueRun(world);
    expect(await ended).toEqual({ code: 0, stderr: "" });
    expect(world.prefect.logsOf(id)).toHaveLength(1);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });
});
