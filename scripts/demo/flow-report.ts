// busybox cannot run Prefect, so the demo sets the states that the flow's process would set. The agent reports a process that died.

import type { Pod } from "../../src/kube/client/objects.ts";

/** A state that the flow itself would set. */
export interface FlowReport {
  readonly type: "Running" | "Success";
  readonly message: string;
}

/** The state that the flow in this pod would set, given the run's current state; undefined if none. */
export function flowReport(pod: Pod, stateType: string): FlowReport | undefined {
  const states = (pod.status.containerStatuses ?? []).map(({ state }) => state);
  // The pod's phase can change a second after its container's state.
  const ended = pod.status.phase === "Succeeded" || states.some((state) => state?.terminated?.exitCode === 0);
  const isActive = stateType === "Submitted" || stateType === "Running";
  if (ended && isActive) return { type: "Success", message: "All reference tasks succeeded." };
  const runs = states.some((state) => state?.running !== undefined);
  return runs && stateType === "Submitted" ? { type: "Running", message: "Running flow." } : undefined;
}
