// supervise: lines into a flow run's log, each once: not twice by this process, nor after a restart, nor by two agents.

import type { Saying } from "../../job/decide/decide.ts";
import type { RunLog } from "../../prefect1/api.ts";
import type { LogBatch } from "../log-batch.ts";
import type { Said } from "./reported-log.ts";

export interface Telling {
  readonly flowRunId: string;
  readonly sayings: readonly Saying[];
  /** Nobody but this process can have spoken of the run. */
  readonly alone: boolean;
}

/** Tells what nobody has told before, and returns it. Throws PrefectError when Prefect has not, or may not have, the lines. */
export async function tell(
  { said, logs }: { readonly said: Said; readonly logs: LogBatch },
  { flowRunId, sayings, alone }: Telling,
  asLog: (saying: Saying) => Promise<RunLog>,
): Promise<readonly Saying[]> {
  const fresh = await said.unsaid(flowRunId, sayings, alone);
  if (fresh.length === 0) return [];
  const lines = await Promise.all(fresh.map(asLog));
  try {
    await logs.write(lines);
  } catch (error) {
    said.doubt(flowRunId);
    throw error;
  }
  said.remember(flowRunId, fresh);
  return fresh;
}
