// Labels and annotations that link objects to flow runs. Underscores: Prefect 0.x and 1.x, hyphens: Prefect 2 and 3.

import type { Meta } from "../kube/client/objects.ts";

export const IDENTIFIER_LABEL = "prefect.io/identifier";
export const FLOW_RUN_LABEL = "prefect.io/flow_run_id";
export const FLOW_LABEL = "prefect.io/flow_id";
export const FLOW_RUN_LABEL_2 = "prefect.io/flow-run-id";
/** By the Prefect that uses it: 1, or 2 and 3. */
export const RUN_LABELS = { 1: FLOW_RUN_LABEL, 2: FLOW_RUN_LABEL_2 } as const;

/** The labels with the ids of a run's flow, deployment and work pool. */
export const ORIGIN_LABELS = [
  FLOW_LABEL,
  "prefect.io/flow-id",
  "prefect.io/deployment-id",
  "prefect.io/work-pool-id",
];

/** On every Job of an agent or worker of Prefect 2 and 3. */
const VERSION_LABEL = "prefect.io/version";

/** Objects with this annotation are never deleted. */
export const KEEP_ANNOTATION = "prefect.io/keep";
/** The agent that the Job belongs to, as JSON (owner.ts). */
export const AGENT_ANNOTATION = "prefect.io/agent";

/** On Jobs that restart their container in its pod, where the template itself says how often. */
export const OWN_RETRIES_ANNOTATION = "prefect.io/own-retries";

/** The id of the flow run in the object's labels; an empty one is none. */
export function flowRunIdOf(meta: Pick<Meta, "labels">): string | undefined {
  return meta.labels?.[FLOW_RUN_LABEL] || meta.labels?.[FLOW_RUN_LABEL_2] || undefined;
}

/** The identifier by which a claim names its Job. */
export function identifierOf({ labels }: Pick<Meta, "labels">): string | undefined {
  return labels?.[IDENTIFIER_LABEL];
}

/** Whether an agent made the Job. Flows make Jobs too, and may label them with their run. */
export function isAgentJob({ labels, annotations }: Pick<Meta, "labels" | "annotations">): boolean {
  return labels?.[IDENTIFIER_LABEL] !== undefined || annotations?.[AGENT_ANNOTATION] !== undefined;
}

/** Whether an agent or a worker of any Prefect made the Job. */
export function isMadeByPrefect(meta: Pick<Meta, "labels" | "annotations">): boolean {
  return isAgentJob(meta) || meta.labels?.[VERSION_LABEL] !== undefined;
}

export function isKept(meta: Pick<Meta, "annotations">): boolean {
  return meta.annotations?.[KEEP_ANNOTATION] === "true";
}
