// A fake Prefect API in its own process.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "../../src/base/json.ts";
import { startFakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { serve } from "./child.ts";

/** Flow runs to create at once, so that no poll finds only some of them. */
export interface NewRuns {
  readonly count: number;
  /** Start time of each in milliseconds since 1970; default now. */
  readonly startAtMs?: readonly number[];
  readonly runConfig: JsonObject;
}

export type PrefectCommands = ReturnType<typeof commandsOf>;

type Fake = Awaited<ReturnType<typeof startFakePrefect1>>;

const POLL_MS = 20;
const WAIT_MS = 300_000;

function commandsOf(fake: Fake) {
  const flow = fake.createFlow({ name: "bench" });
  const failedAtMs = new Map<string, number>();
  fake.on(({ table, id, action }) => {
    if (table !== "flow_run" || action !== "update" || failedAtMs.has(id)) return;
    if (fake.store.tables.flow_run.get(id)?.state === "Failed") failedAtMs.set(id, Date.now());
  });
  return {
    url: () => fake.url,
    create: ({ count, startAtMs, runConfig }: NewRuns) => {
      const ids = Array.from({ length: count }, (_, at) => {
        const startMs = startAtMs?.[at];
        const due = startMs === undefined ? {} : { startTime: new Date(startMs) };
        return fake.createFlowRun({ flow, runConfig, ...due }).id;
      });
      return { ids, atMs: Date.now() };
    },
    setRunning: (ids: readonly string[]) => {
      for (const id of ids) fake.setState(id, { type: "Running" });
    },
    /** When the first poll after this time arrived; undefined: none. */
    firstPoll: (sinceMs: number) => {
      const polls = fake.requests.entries("get_runs_in_queue");
      return polls.find(({ at }) => at.getTime() >= sinceMs)?.at.getTime();
    },
    logged: (ids: readonly string[]) => untilLogged(fake, ids),
    failedAtMs: () => failedAtMs,
    requestCount: () => fake.requests.count(),
    /** Counts the last requests by root fields. */
    requests: (last: number) => {
      const entries = last === 0 ? [] : fake.requests.entries().slice(-last);
      return Map.groupBy(entries, ({ fields }) => fields.join(" "))
        .entries()
        .map(([name, some]): [string, number] => [name, some.length])
        .toArray();
    },
  };
}

/** Returns the time at which every run has a line in its log. Polls, because a check at each change would be load. */
async function untilLogged(fake: Fake, ids: readonly string[]): Promise<number> {
  const until = Date.now() + WAIT_MS;
  let unlogged = ids;
  while (unlogged.length > 0) {
    unlogged = unlogged.filter((id) => fake.logsOf(id).length === 0);
    if (Date.now() > until) throw new Error(`${unlogged.length} flow runs have no line in their log`);
    await setTimeout(POLL_MS);
  }
  return Date.now();
}

if (import.meta.main) {
  const fake = await startFakePrefect1({ keepRequests: 100_000 });
  serve(commandsOf(fake));
  await once(process, "disconnect");
}
