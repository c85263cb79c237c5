// The flow's part: busybox cannot run Prefect, so the demo reports in the flow's place, as CloudFlowRunner would. Only what a
// living process reports; how a dead one ended is the agent's to tell.

import type { Pod } from "../../src/kube/client/objects.ts";

/** A state that the flow itself would set. */
export interface FlowReport {
  readonly type: "Running" | "Success";
  readonly message: string;
}

/** What the flow in this pod would report to Prefect, given the run's state there; undefined when nothing new. */
export function flowReport(pod: Pod, stateType: string): FlowReport | undefined {
  const states = (pod.status.containerStatuses ?? []).map(({ state }) => state);
  // The pod's phase follows its container by a second.
  const ended = pod.status.phase === "Succeeded" || states.some((state) => state?.terminated?.exitCode === 0);
  const isUnderWay = stateType === "Submitted" || stateType === "Running";
  if (ended && isUnderWay) return { type: "Success", message: "All reference tasks succeeded." };
  const runs = states.some((state) => state?.running !== undefined);
  return runs && stateType === "Submitted" ? { type: "Running", message: "Running flow." } : undefined;
}
