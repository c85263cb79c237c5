// restart: an agent starts beside 10,000 live Jobs of an agent that was killed; at that moment one more pod fails. Then `cleanup` looks
// at the same Jobs and pods.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { ExpectedError } from "../../src/base/errors.ts";
import { AgentProcess, peakMbIn } from "./agent-process.ts";
import type { AgentStart } from "./agent-process.ts";
import type { Figure, Measurement } from "./figure.ts";
import { requestsSoFar, withQuietAgent } from "./quiet-jobs.ts";
import type { Quiet } from "./quiet-jobs.ts";

const JOBS = 10_000;
const FAILURE_AT_MOST_S = 15;
const MEMORY_AT_MOST_MB = 250;
const REQUESTS_AT_MOST = 200;
const CLEANUP_AT_MOST_MB = 200;
const SETTLED_MS = 30_000;
const QUIET_MINUTES = 2;
const POLL_MS = 100;
const WAIT_MS = 120_000;
const SAMPLE_MS = 20;

/** Seconds, memory and requests of the new agent; memory of `cleanup`. */
export const restart: Figure = {
  name: "restart",
  needs: ["linux"],
  measure: ({ binary }) =>
    withQuietAgent(binary, async (quiet) => {
      const ids = await quiet.fill(JOBS);
      await quiet.agent.kill();
      const ofAgent = await measured(quiet, ids);
      return [...ofAgent, await cleanupMemory(quiet.start)];
    }),
};

async function measured(quiet: Quiet, ids: readonly string[]): Promise<readonly Measurement[]> {
  const { start, kube } = quiet;
  const [failing = ""] = ids;
  const startedAtMs = Date.now();
  const starting = AgentProcess.start(start);
  await kube.ask("failPod", failing);
  await using agent = await starting;
  const tookMs = (await untilFailed(quiet, failing)) - startedAtMs;
  await setTimeout(SETTLED_MS);
  const before = await requestsSoFar(quiet);
  await setTimeout(QUIET_MINUTES * 60_000);
  const after = await requestsSoFar(quiet);
  const perMinute = (after.ofPrefect + after.ofKube - before.ofPrefect - before.ofKube) / QUIET_MINUTES;
  return [
    bounded({ name: "restart, failure told", unit: "s", ours: tookMs / 1_000 }, FAILURE_AT_MOST_S),
    bounded({ name: "restart, memory", unit: "MB", ours: agent.memory().peakMb }, MEMORY_AT_MOST_MB),
    bounded({ name: "restart, quiet requests", unit: "/min", ours: perMinute }, REQUESTS_AT_MOST),
  ];
}

function bounded(figure: Pick<Measurement, "name" | "unit" | "ours">, atMost: number): Measurement {
  return { ...figure, bound: { of: "ours", side: "at most", value: atMost } };
}

/** When the run became Failed; NaN if it did not in time. */
async function untilFailed({ prefect }: Quiet, id: string): Promise<number> {
  for (const until = Date.now() + WAIT_MS; Date.now() < until; await setTimeout(POLL_MS)) {
    const atMs = (await prefect.ask("failedAtMs", undefined)).get(id);
    if (atMs !== undefined) return atMs;
  }
  return Number.NaN;
}

/** The most memory of `cleanup --dry-run`, which reads all Jobs, pods and states. */
async function cleanupMemory({
  binary,
  kubeconfig,
  prefectUrl,
  namespace,
}: AgentStart): Promise<Measurement> {
  const args = [
    "cleanup",
    "--dry-run",
    "--kubeconfig",
    kubeconfig,
    "-n",
    namespace,
    "-b",
    "server",
    "-a",
    prefectUrl,
  ];
  const child = spawn(binary, args, { env: { HOME: "/nonexistent" }, stdio: "ignore" });
  const ended = once(child, "close") as Promise<[number | null]>;
  let peakMb = Number.NaN;
  while (child.exitCode === null && child.signalCode === null) {
    // The file is empty once the process has ended.
    const now = peakMbIn(await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => ""));
    if (!Number.isNaN(now)) peakMb = now;
    await setTimeout(SAMPLE_MS);
  }
  const [code] = await ended;
  if (code !== 0) throw new ExpectedError(`cannot measure cleanup: it ended with ${code}`);
  return bounded({ name: "cleanup, memory", unit: "MB", ours: peakMb }, CLEANUP_AT_MOST_MB);
}
