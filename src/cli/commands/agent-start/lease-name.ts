// The Lease that agents of one name share: its name follows from the agent's, in letters that Kubernetes accepts.

import { createHash } from "node:crypto";

const LONGEST = 63;

/**
 * `prefect-agent-NAME` where NAME can stand there; else what of it can, and a digest, so that agents of different names
 * never wait for each other.
 */
export function leaseName(agent: string): string {
  const plain = `prefect-agent-${agent}`;
  if (plain.length <= LONGEST && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(agent)) return plain;
  const digest = createHash("sha256").update(agent).digest("hex").slice(0, 8);
  const readable = agent
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, "");
  return ["prefect-agent", readable, digest].filter((part) => part !== "").join("-");
}
