// Whose a Job is: the agent in its annotation. Several agents may work in one namespace, each by its own settings.

import { arrayIn, jsonIn, objectIn, textIn } from "../base/json.ts";
import type { Meta } from "../kube/client/objects.ts";
import type { AgentIdentity } from "../orchestrator/agent-identity.ts";
import { AGENT_ANNOTATION, isAgentJob } from "./labels.ts";

export interface JobOwner extends AgentIdentity {
  /** The agent's id in Prefect when it created or took over the Job. For people. */
  readonly id?: string | undefined;
  /** The agent's process, a UUID: the first to report the Job. */
  readonly process: string;
  /** Whether it took the Job over from Prefect's own agent. */
  readonly fromOriginal?: boolean | undefined;
}

/** Few texts stand on many Jobs, and each is read often. */
const known = new Map<string, JobOwner | undefined>();
const MAX_KNOWN = 1_000;

/** The owner in a Job's annotation; undefined: none, as on Jobs of Prefect's own agent. */
export function ownerOf({ annotations }: Pick<Meta, "annotations">): JobOwner | undefined {
  const text = annotations?.[AGENT_ANNOTATION];
  if (text === undefined) return undefined;
  if (!known.has(text)) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, ownerIn(text));
  }
  return known.get(text);
}

function ownerIn(text: string): JobOwner | undefined {
  const { id, name, labels, tenant, process, fromOriginal } = objectIn(jsonIn(text));
  if (typeof name !== "string") return undefined;
  return {
    id: textIn(id),
    name,
    labels: arrayIn(labels).map(String),
    tenantId: textIn(tenant),
    process: textIn(process) ?? "",
    ...(fromOriginal === true && { fromOriginal }),
  };
}

/** Whether Prefect's own agent made the Job. */
export function isOriginals(metadata: Pick<Meta, "labels" | "annotations">): boolean {
  return isAgentJob(metadata) && (ownerOf(metadata)?.fromOriginal ?? ownerOf(metadata) === undefined);
}

/** The annotation's value. */
export function ownerText({ id, name, labels, tenantId, process, fromOriginal }: JobOwner): string {
  return JSON.stringify({ id, name, labels: labels.toSorted(), tenant: tenantId, process, fromOriginal });
}
