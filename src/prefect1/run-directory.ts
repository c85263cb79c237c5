// Looks up and cancels Prefect 1 flow runs for the commands.

import type { Clock } from "../base/clock.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import { connectOnce } from "../orchestrator/run-directory.ts";
import type { KnownRun, RunDirectory, RunQuery } from "../orchestrator/run-directory.ts";
import type { Prefect1Client } from "./client.ts";
import { runStateOf } from "./run-state.ts";
import { newState } from "./states.ts";

function notInTenant(id: string): PrefectError {
  const hint = "check the API address and the tenant; --keep-state removes it from the cluster alone";
  return new PrefectError(`cancel flow run "${id}"`, "Prefect has no such flow run", {
    failure: "refused",
    hint,
  });
}

/** Connects on first use. `clock`: the API's. */
export function prefect1Directory(
  { address, ui }: { readonly address: string; readonly ui: string },
  connect: () => Promise<Prefect1Client>,
  clock: Pick<Clock, "now">,
): RunDirectory {
  const { client, close } = connectOnce(connect);
  const runs = async (
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, KnownRun>> => {
    const rows = await (await client()).runStates(ids, signal);
    return new Map(
      [...rows].map(([id, row]): [string, KnownRun] => [
        id,
        { id, name: row.name ?? undefined, state: runStateOf(row), labels: row.labels, agent: row.agent },
      ]),
    );
  };
  return {
    address,
    runs,
    knownIds: async (ids, signal) => new Set(await (await client()).knownFlowIds(ids, signal)),
    tenantId: async (signal) => (await client()).tenantId(signal),
    agents: async (signal) => (await client()).agents(signal),
    now: () => clock.now(),
    recent: async (since, signal) => (await client()).browse.recent({ since, now: clock.now() }, signal),
    log: async (id, query, signal) => (await client()).browse.log(id, query, signal),
    page: async (id) => (await client()).browse.page(id, ui),
    find: async (query: RunQuery, signal) => {
      const found = await (await client()).findFlowRuns({ ...query, now: clock.now() }, signal);
      const known = await runs(
        found.map(({ id }) => id),
        signal,
      );
      return found.flatMap(({ id }) => known.get(id) ?? []);
    },
    cancel: async ({ id, state }) => {
      if (state !== undefined && isFinished(state.type)) return state.name;
      const api = await client();
      // A self-hosted server cancels the runs of all its tenants.
      if (state === undefined && !(await api.runStates([id])).has(id)) throw notInTenant(id);
      return api.cancel(id);
    },
    setCancelled: async (flowRunId, message) => {
      await (await client()).setState({ flowRunId, state: newState("Cancelled", message) });
    },
    close,
  };
}
