// restart: an agent that starts beside 10,000 live Jobs: until it reports a new failure, and its memory; and the memory of cleanup
// and jobs beside them.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Figure, Measurement } from "./figure.ts";
import { withQuietAgent } from "./quiet-jobs.ts";
import type { Quiet } from "./quiet-jobs.ts";

const JOBS = 10_000;
/** When the pod fails after the agent's start. */
const FAILS_AFTER_MS = 500;
const POLL_MS = 50;
const WAIT_MS = 120_000;
const SAMPLE_MS = 10;
const AT_MOST = { startMs: 15_000, agentMb: 250, commandMb: 200 };

export const restart: Figure = {
  name: "restart",
  needs: ["linux"],
  measure: ({ binary }) =>
    withQuietAgent(binary, async (quiet) => {
      const [id = ""] = await quiet.fill(JOBS);
      await quiet.agent[Symbol.asyncDispose]();
      const measured: Measurement[] = [];
      for (const args of [["cleanup", "--dry-run"], ["jobs"]])
        measured.push(megabytes(`memory of ${args[0]}`, AT_MOST.commandMb, await peakMb(quiet, args)));
      return [...(await restarted(quiet, id)), ...measured];
    }),
};

async function restarted({ start, kube, prefect }: Quiet, id: string): Promise<readonly Measurement[]> {
  const startedMs = Date.now();
  const starting = start();
  await setTimeout(FAILS_AFTER_MS);
  await kube.ask("failPod", id);
  await using agent = await starting;
  let failedMs: number | undefined;
  while (failedMs === undefined && Date.now() < startedMs + WAIT_MS) {
    await setTimeout(POLL_MS);
    failedMs = (await prefect.ask("failedAtMs", undefined)).get(id);
  }
  return [
    {
      name: "restart → failure told",
      unit: "s",
      ours: ((failedMs ?? Number.NaN) - startedMs) / 1_000,
      bound: { of: "ours", side: "at most", value: AT_MOST.startMs / 1_000 },
    },
    megabytes("memory after a restart", AT_MOST.agentMb, agent.memory().peakMb),
  ];
}

function megabytes(name: string, atMost: number, ours: number): Measurement {
  return { name, unit: "MB", ours, bound: { of: "ours", side: "at most", value: atMost } };
}

/** The most resident memory of a command. */
function peakMb({ binary, access }: Quiet, args: readonly string[]): Promise<number> {
  const child = spawn(binary, [...args, ...access], { env: { HOME: "/nonexistent" }, stdio: "ignore" });
  let peakKb = Number.NaN;
  const sampling = setInterval(() => {
    const path = `/proc/${child.pid}/status`;
    const found = existsSync(path) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8"));
    if (found) peakKb = Number(found[1]);
  }, SAMPLE_MS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      clearInterval(sampling);
      if (code === 0) resolve((peakKb * 1_024) / 1e6);
      else reject(new Error(`${args.join(" ")} ended with ${code}`));
    });
  });
}
