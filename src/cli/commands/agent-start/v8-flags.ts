// V8 flags for the agent: a process that runs for months and does little at a time.

import { setFlagsFromString } from "node:v8";

export const AGENT_V8_FLAGS: readonly string[] = [
  // Young-generation collections are small and frequent; starting helper threads takes longer than the collection.
  "--no-parallel-scavenge",
  // Optimising the functions that a flow run uses costs more than it saves in the first thousand runs.
  "--invocation-count-for-maglev=10000",
  "--invocation-count-for-turbofan=30000",
];

/** Sets the flags in this process. */
export function tuneV8ForAgent(): void {
  for (const flag of AGENT_V8_FLAGS) setFlagsFromString(flag);
}
