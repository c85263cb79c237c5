// The name of the Lease that agents of the same name compete for.

import { createHash } from "node:crypto";

const MAX_LENGTH = 63;

/**
 * `prefect-agent-NAME` if that is a valid name in Kubernetes; else its valid characters and a hash, so that agents with
 * different names never share a Lease.
 */
export function leaseName(agent: string): string {
  const plain = `prefect-agent-${agent}`;
  if (plain.length <= MAX_LENGTH && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(agent)) return plain;
  const digest = createHash("sha256").update(agent).digest("hex").slice(0, 8);
  const readable = agent
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, "");
  return ["prefect-agent", readable, digest].filter((part) => part !== "").join("-");
}
