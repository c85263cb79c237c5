// The name of the Lease that the replicas of an agent compete for.

import { createHash } from "node:crypto";
import { agentKey } from "../../../orchestrator/agent-identity.ts";
import type { AgentIdentity } from "../../../orchestrator/agent-identity.ts";

/**
 * The agent's name as far as its characters are valid, and a hash of all that tells agents apart: those with other labels, or of
 * another tenant, never share a Lease.
 */
export function leaseName(agent: AgentIdentity): string {
  const identity = `${agent.tenantId ?? ""} ${agentKey(agent)}`;
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 8);
  const readable = agent.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, "");
  return ["prefect-agent", readable, digest].filter((part) => part !== "").join("-");
}
