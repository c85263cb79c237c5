// supervise: lines into a flow run's log, each once: not twice by this process, nor after a restart, nor by two agents.

import type { RunLogEntry } from "../../job/decide/decide.ts";
import type { RunLog } from "../../prefect1/api.ts";
import type { LogBatch } from "../log-batch.ts";
import type { Said } from "./reported-log.ts";

export interface Telling {
  readonly flowRunId: string;
  readonly entries: readonly RunLogEntry[];
  /** Nobody but this process can have spoken of the run. */
  readonly alone: boolean;
}

/** Tells what nobody has told before, and returns it. Throws PrefectError when Prefect has not, or may not have, the lines. */
export async function reportOnce(
  { said, logs }: { readonly said: Said; readonly logs: LogBatch },
  { flowRunId, entries, alone }: Telling,
  asLog: (entry: RunLogEntry) => Promise<RunLog>,
): Promise<readonly RunLogEntry[]> {
  const fresh = await said.pendingAfresh(flowRunId, entries, alone);
  if (fresh.length === 0) return [];
  const lines = await Promise.all(fresh.map(asLog));
  try {
    await logs.write(lines);
  } catch (error) {
    said.readAgain(flowRunId);
    throw error;
  }
  said.markReported(flowRunId, fresh);
  return fresh;
}
