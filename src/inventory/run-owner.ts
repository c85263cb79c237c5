// The agent that a flow run belongs to, and whether it still polls. Pure.

import { formatAge } from "../base/duration.ts";
import { GONE_MS, labelsText, type AgentIdentity } from "../orchestrator/agent-identity.ts";

export interface RunOwner extends AgentIdentity {
  /** How long ago it asked for flow runs; undefined: Prefect has no record of that. */
  readonly silentMs: number | undefined;
}

/** Another agent may adopt its Jobs then (agent/other-agents.ts). */
export function isGone({ silentMs = Number.POSITIVE_INFINITY }: RunOwner): boolean {
  return silentMs >= GONE_MS;
}

/** `agent "gpu" with label gpu`. */
export function agentText({ name, labels }: AgentIdentity): string {
  return `agent "${name}" with ${labelsText(labels)}`;
}

/** `polled 3s ago`, `has not polled for 3h`. */
export function pollText(owner: RunOwner): string {
  if (owner.silentMs === undefined) return "does not poll any more";
  const ago = formatAge(owner.silentMs);
  return isGone(owner) ? `has not polled for ${ago}` : `polled ${ago} ago`;
}
