// Requests and limits of the containers of the agent's pod.

import { parseQuantity } from "../base/quantity.ts";
import type { InstallOptions } from "./options.ts";

const CPU_REQUEST = "50m";
const MEMORY_REQUEST = "128Mi";
/** The agent needs less than 250 MB with 10,000 live Jobs. */
const MEMORY_LIMIT = "384Mi";

/** For `cleanup`, which runs once a minute. Like the agent, it has no CPU limit. */
export const CLEANUP_RESOURCES = {
  requests: { cpu: "10m", memory: "64Mi" },
  limits: { memory: "256Mi" },
} as const;

/** The values of the options; a default is adjusted to a conflicting option. */
export function agentResources(options: InstallOptions): object {
  const { agentMemRequest, agentMemLimit, agentCpuRequest, agentCpuLimit } = options;
  return {
    requests: {
      cpu: agentCpuRequest || (isLess(agentCpuLimit, CPU_REQUEST) ? agentCpuLimit : CPU_REQUEST),
      memory: agentMemRequest || (isLess(agentMemLimit, MEMORY_REQUEST) ? agentMemLimit : MEMORY_REQUEST),
    },
    limits: {
      ...(agentCpuLimit ? { cpu: agentCpuLimit } : {}),
      memory: agentMemLimit || (isLess(MEMORY_LIMIT, agentMemRequest) ? agentMemRequest : MEMORY_LIMIT),
    },
  };
}

/** False if one is not set. */
function isLess(one: string | undefined, other: string | undefined): boolean {
  return (
    Boolean(one) && Boolean(other) && (parseQuantity(one ?? "") ?? 0) < (parseQuantity(other ?? "") ?? 0)
  );
}
