// A fake Prefect API in a process of its own.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "../../src/base/json.ts";
import { startFakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { serve } from "./child.ts";

/** Flow runs that are to be made, at one go: no poll sees only some of them. */
export interface NewRuns {
  readonly count: number;
  /** When each is due, in milliseconds since 1970; without it: now. */
  readonly startAtMs?: readonly number[];
  readonly runConfig: JsonObject;
}

export type PrefectCommands = ReturnType<typeof commandsOf>;

type Fake = Awaited<ReturnType<typeof startFakePrefect1>>;

const LOOK_MS = 20;
const PATIENCE_MS = 300_000;

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
    /** When the first poll since then arrived; undefined: there was none. */
    firstPoll: (sinceMs: number) => {
      const polls = fake.requests.entries("get_runs_in_queue");
      return polls.find(({ at }) => at.getTime() >= sinceMs)?.at.getTime();
    },
    logged: (ids: readonly string[]) => logged(fake, ids),
    failedAtMs: () => failedAtMs,
    requestCount: () => fake.requests.count(),
    /** How many of the last requests there were, by root fields. */
    requests: (last: number) => {
      const entries = last === 0 ? [] : fake.requests.entries().slice(-last);
      return Map.groupBy(entries, ({ fields }) => fields.join(" "))
        .entries()
        .map(([name, some]): [string, number] => [name, some.length])
        .toArray();
    },
  };
}

/** Answers the time when each of the runs had a line in its log. Looks now and then: a look at each change would be load. */
async function logged(fake: Fake, ids: readonly string[]): Promise<number> {
  const until = Date.now() + PATIENCE_MS;
  let silent = ids;
  while (silent.length > 0) {
    silent = silent.filter((id) => fake.logsOf(id).length === 0);
    if (Date.now() > until) throw new Error(`${silent.length} flow runs have no line in their log`);
    await setTimeout(LOOK_MS);
  }
  return Date.now();
}

if (import.meta.main) {
  const fake = await startFakePrefect1({ keepRequests: 100_000 });
  serve(commandsOf(fake));
  await once(process, "disconnect");
}
