// Labels and annotations that link objects to flow runs. Underscores: Prefect 0.x and 1.x, hyphens: Prefect 2 and 3.

import type { Meta } from "../kube/client/objects.ts";

export const IDENTIFIER_LABEL = "prefect.io/identifier";
export const FLOW_RUN_LABEL = "prefect.io/flow_run_id";
export const FLOW_LABEL = "prefect.io/flow_id";
export const FLOW_RUN_LABEL_2 = "prefect.io/flow-run-id";

/** Objects with this annotation are never deleted. */
export const KEEP_ANNOTATION = "prefect.io/keep";
/** The agent process that reports the Job to Prefect. */
export const OWNER_ANNOTATION = "prefect.io/agent";

/** Selects the Jobs and pods of Prefect 1 flow runs, which the agent watches. */
export const AGENT_SELECTOR = FLOW_RUN_LABEL;

/** The id of the flow run in the object's labels. */
export function flowRunIdOf(meta: Pick<Meta, "labels">): string | undefined {
  return meta.labels?.[FLOW_RUN_LABEL] ?? meta.labels?.[FLOW_RUN_LABEL_2];
}

/** Whether the object is annotated to be kept. */
export function isKept(meta: Pick<Meta, "annotations">): boolean {
  return meta.annotations?.[KEEP_ANNOTATION] === "true";
}
