// What V8 is told in an agent: a process that does little at a time, for months.

import { setFlagsFromString } from "node:v8";

export const AGENT_V8_FLAGS: readonly string[] = [
  // Its young garbage is little and often: waking other threads for it takes longer than collecting it.
  "--no-parallel-scavenge",
  // Optimising what a flow run passes through costs more than a thousand of them win by it.
  "--invocation-count-for-maglev=10000",
  "--invocation-count-for-turbofan=30000",
];

/** From now on V8 works so. */
export function tuneV8ForAgent(): void {
  for (const flag of AGENT_V8_FLAGS) setFlagsFromString(flag);
}
