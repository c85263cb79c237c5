// Waiting for something to be true of the store: woken by its changes, ended by a deadline that says how things stand.

import { ExpectedError } from "../../../src/base/errors.ts";
import type { Store } from "./store.ts";

/** How long to wait, and for what. */
export interface UntilOptions {
  /** What is waited for, for the error. */
  readonly what?: string;
  /** Milliseconds; default 30,000. */
  readonly timeoutMs?: number;
}

/** Resolves once the predicate holds; rejects at the deadline, or with what the predicate throws. */
export function until(store: Store, predicate: () => boolean, options: UntilOptions = {}): Promise<void> {
  const { what = "condition", timeoutMs = 30_000 } = options;
  return new Promise((resolve, reject) => {
    let looking = false;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      forget();
      settle();
    };
    const look = (): void => {
      looking = false;
      try {
        if (predicate()) end(resolve);
      } catch (failure) {
        end(() => reject(failure instanceof Error ? failure : new Error(String(failure))));
      }
    };
    // One look for all changes of a request, after the last of them.
    const forget = store.onChange(() => {
      if (looking) return;
      looking = true;
      queueMicrotask(look);
    });
    const timer = setTimeout(() => {
      const message = `cannot see "${what}": it did not happen within ${timeoutMs} ms`;
      end(() => reject(new ExpectedError(`${message}\n${summary(store)}`)));
    }, timeoutMs);
    look();
  });
}

/** How things stand: flow runs by state, and the newest ones with their last log line. */
function summary(store: Store): string {
  const { flow_run, log, agent } = store.tables;
  const runs = [...flow_run.all()];
  const counts = new Map<string, number>();
  for (const run of runs) counts.set(run.state ?? "none", (counts.get(run.state ?? "none") ?? 0) + 1);
  const totals = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const lines = runs.slice(-10).map((run) => {
    const last = [...log.having("flow_run_id", run.id)].at(-1);
    const said = last === undefined ? "" : ` | ${last.level} ${last.message ?? ""}`;
    return `  ${run.id} ${run.name ?? ""}: ${run.state ?? "none"} v${run.version} "${run.state_message ?? ""}"${said}`;
  });
  return [`flow runs: ${totals || "none"}; agents: ${agent.size}`, ...lines].join("\n");
}
