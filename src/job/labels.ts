// The label contract: what ties Kubernetes objects to flow runs. Underscores are Prefect 0.x/1.x, hyphens Prefect 2/3.

import type { Meta } from "../kube/client/objects.ts";

export const IDENTIFIER_LABEL = "prefect.io/identifier";
export const FLOW_RUN_LABEL = "prefect.io/flow_run_id";
export const FLOW_LABEL = "prefect.io/flow_id";
export const FLOW_RUN_LABEL_2 = "prefect.io/flow-run-id";

/** Objects so annotated are left alone by every deletion. */
export const KEEP_ANNOTATION = "prefect.io/keep";
/** Which agent process tells this Job's story. */
export const OWNER_ANNOTATION = "prefect.io/agent";

/** The Jobs and pods of Prefect 1 flow runs: those that the agent follows. */
export const AGENT_SELECTOR = FLOW_RUN_LABEL;

/** The id of the flow run to which an object says it belongs. */
export function flowRunIdOf(meta: Pick<Meta, "labels">): string | undefined {
  return meta.labels?.[FLOW_RUN_LABEL] ?? meta.labels?.[FLOW_RUN_LABEL_2];
}

/** Whether its owner wants it to stay, whatever we think. */
export function isKept(meta: Pick<Meta, "annotations">): boolean {
  return meta.annotations?.[KEEP_ANNOTATION] === "true";
}
