// memory: the agent's resident memory at rest, and with 10,000 live Jobs.

import { setTimeout } from "node:timers/promises";
import type { AgentProcess } from "./agent-process.ts";
import type { Figure, Measurement } from "./figure.ts";
import { withQuietAgent } from "./quiet-jobs.ts";
import { median } from "./statistics.ts";

const JOBS = 10_000;
const REST_MS = 20_000;
const SAMPLES = 30;
const SAMPLE_MS = 1_000;
const AT_REST_MB = 120;
const FULL_MB = 250;

/** Resident memory in MB. */
export const memory: Figure = {
  name: "memory",
  needs: ["linux"],
  measure: ({ binary, log }) =>
    withQuietAgent(binary, async ({ agent, fill }) => {
      await setTimeout(REST_MS);
      const atRest = await sampled(agent, "memory at rest", AT_REST_MB);
      const startedMs = performance.now();
      await fill(JOBS);
      log(`memory: ${JOBS} Jobs created in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
      await setTimeout(REST_MS);
      return [atRest, await sampled(agent, "memory, 10,000 Jobs", FULL_MB)];
    }),
};

async function sampled(agent: AgentProcess, name: string, atMost: number): Promise<Measurement> {
  const values: number[] = [];
  for (let at = 0; at < SAMPLES; at++) {
    values.push(agent.memory().nowMb);
    await setTimeout(SAMPLE_MS);
  }
  return {
    name,
    unit: "MB",
    ours: median(values),
    bound: { of: "ours", side: "at most", value: atMost },
    details: { peakMb: agent.memory().peakMb, values },
  };
}
