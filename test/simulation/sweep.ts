// Plays the worlds of many seeds in several processes.

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Outcome } from "./worker.ts";

export interface SweepOptions {
  readonly from: number;
  readonly count: number;
  readonly processes: number;
  /** The name of a planted fault. */
  readonly planted?: string | undefined;
  /** Called for each world, in the order in which they end; true: no more worlds. */
  readonly onOutcome: (outcome: Outcome) => boolean;
}

const WORKER = join(import.meta.dirname, "worker.ts");
const PLANT = join(import.meta.dirname, "planted", "plant.ts");

export async function sweep(options: SweepOptions): Promise<void> {
  const { count, processes } = options;
  const seeds = { next: options.from, end: options.from + count };
  const workers = Math.min(processes, count);
  await Promise.all(Array.from({ length: workers }, () => work(options, seeds)));
}

/** One process: it plays the next seed until there are none. */
async function work(options: SweepOptions, seeds: { next: number; end: number }): Promise<void> {
  const { planted, onOutcome } = options;
  const worker = fork(WORKER, {
    execArgv: planted === undefined ? [] : ["--import", PLANT],
    // graphql-js checks more of its own objects in development: a sixth of the time.
    env: {
      ...process.env,
      NODE_ENV: "production",
      ...(planted === undefined ? {} : { PLANTED_FAULT: planted }),
    },
  });
  try {
    while (seeds.next < seeds.end) {
      const outcome = await played(worker, seeds.next++);
      if (onOutcome(outcome)) seeds.next = seeds.end;
    }
  } finally {
    worker.disconnect();
  }
}

async function played(worker: ChildProcess, seed: number): Promise<Outcome> {
  worker.send(seed);
  const ended = new AbortController();
  const exit = once(worker, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`a worker ended with code ${String(code)} at seed ${seed}`);
  });
  exit.catch(() => undefined);
  try {
    const [outcome] = await Promise.race([once(worker, "message", { signal: ended.signal }), exit]);
    return outcome as Outcome;
  } finally {
    ended.abort();
  }
}
