// Looks up and cancels Prefect 2 and 3 flow runs for the commands.

import type { Clock } from "../base/clock.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { StateType } from "../orchestrator/flow-run.ts";
import { connectOnce } from "../orchestrator/run-directory.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import { readLog, recentRuns, runPage } from "./browse.ts";
import type { Prefect3Client } from "./client.ts";
import type { Prefect3Target } from "./settings.ts";
import { findFlowRuns } from "./find-runs.ts";
import type { Prefect3StateType } from "./states.ts";

/** States with a process, now or soon: Cancelling lets the process exit before the run becomes Cancelled. */
const WITH_PROCESS: ReadonlySet<StateType> = new Set(["running", "pending", "paused"]);

/** Connects on first use. */
export function prefect3Directory(
  target: Pick<Prefect3Target, "url" | "uiUrl">,
  connect: () => Promise<Prefect3Client>,
  clock: Pick<Clock, "now">,
): RunDirectory {
  const { client, close } = connectOnce(connect);
  const setState = async (
    id: string,
    state: { readonly type: Prefect3StateType; readonly message?: string; readonly force?: boolean },
  ): Promise<void> => {
    const status = await (await client()).setState(id, state);
    if (status === "ACCEPT") return;
    const detail = `the API answered ${status === "" ? "without a status" : status}`;
    throw new PrefectError(`cancel flow run "${id}"`, detail, { failure: "refused" });
  };
  return {
    address: target.url,
    runs: async (ids, signal) => (await client()).flowRuns(ids, signal),
    knownIds: async (ids, signal) => (await client()).knownIds(ids, signal),
    tenantId: () => Promise.resolve(undefined),
    agents: () => Promise.resolve(undefined),
    now: () => new Date(),
    find: async (query, signal) => findFlowRuns(await client(), query, signal),
    recent: async (since, signal) => recentRuns(await client(), { since, now: clock.now() }, signal),
    log: async (id, query, signal) => readLog(await client(), { id, ...query }, signal),
    page: (id) => Promise.resolve(runPage(target, id)),
    cancel: async ({ id, state }) => {
      // Already requested: the API refuses the same state again.
      if (state !== undefined && (isFinished(state.type) || state.type === "cancelling")) return state.name;
      const hasProcess = state !== undefined && WITH_PROCESS.has(state.type);
      await setState(id, { type: hasProcess ? "CANCELLING" : "CANCELLED" });
      return hasProcess ? "Cancelling" : "Cancelled";
    },
    setCancelled: (id, message) => setState(id, { type: "CANCELLED", message, force: true }),
    close,
  };
}
