// The states of runs as they stand now: asked anew each time, in batches, of the Prefect that each run belongs to.

import { StateDesk } from "../inventory/state-source.ts";
import type { StateSources } from "../inventory/state-source.ts";
import type { RunView } from "../job/decide/decide.ts";
import type { AskStates } from "./recheck-context.ts";

/** Asks these APIs; what one of them does not answer is unknown, and no error. */
export function askStatesOf(sources: StateSources, signal: AbortSignal): AskStates {
  return async (runs) => {
    const desks = { 1: new StateDesk(1, sources[1], signal), 2: new StateDesk(2, sources[2], signal) };
    const answers = await Promise.all(
      runs.map(async ({ id, prefectVersion }): Promise<[string, RunView]> => [
        id,
        (await desks[prefectVersion].ask(id)).view,
      ]),
    );
    return new Map(answers);
  };
}
