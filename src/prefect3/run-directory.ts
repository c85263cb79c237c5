// The flow runs of Prefect 2 and 3 for the commands that people type.

import { PrefectError } from "../orchestrator/errors.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { StateType } from "../orchestrator/flow-run.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import type { Prefect3Client } from "./client.ts";
import { findFlowRuns } from "./find-runs.ts";
import type { Prefect3StateType } from "./states.ts";

/** States with a process, or about to get one: it is asked to end before the run is called cancelled. */
const WITH_PROCESS: ReadonlySet<StateType> = new Set(["running", "pending", "paused"]);

/** The directory of an API at this address, which is connected when it is first asked. */
export function prefect3Directory(address: string, connect: () => Promise<Prefect3Client>): RunDirectory {
  let connected: Promise<Prefect3Client> | undefined;
  const client = (): Promise<Prefect3Client> => (connected ??= connect());
  const setState = async (
    id: string,
    state: { readonly type: Prefect3StateType; readonly message?: string; readonly force?: boolean },
  ): Promise<void> => {
    const answer = await (await client()).setState(id, state);
    if (answer === "ACCEPT") return;
    const detail = `the API answered ${answer === "" ? "nothing that is known" : answer}`;
    throw new PrefectError(`cancel flow run "${id}"`, detail, { failure: "refused" });
  };
  return {
    address,
    runs: async (ids, signal) => (await client()).flowRuns(ids, signal),
    find: async (query, signal) => findFlowRuns(await client(), query, signal),
    cancel: async ({ id, state }) => {
      // Asked for before, by somebody else: the API takes no state twice.
      if (state !== undefined && (isFinished(state.type) || state.type === "cancelling")) return state.name;
      const hasProcess = state !== undefined && WITH_PROCESS.has(state.type);
      await setState(id, { type: hasProcess ? "CANCELLING" : "CANCELLED" });
      return hasProcess ? "Cancelling" : "Cancelled";
    },
    setCancelled: (id, message) => setState(id, { type: "CANCELLED", message, force: true }),
    close: () => {
      // What failed to connect was reported when it was asked.
      void connected?.then((each) => each.close()).catch(() => undefined);
    },
  };
}
