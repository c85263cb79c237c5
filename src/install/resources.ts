// Requests and limits of the agent's own container.

import { readCpu, readMemory } from "../base/quantity.ts";
import type { ContainerManifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

type ResourceOptions = Pick<
  InstallOptions,
  "agentMemRequest" | "agentMemLimit" | "agentCpuRequest" | "agentCpuLimit"
>;
type Resources = NonNullable<ContainerManifest["resources"]>;

const CPU_REQUEST = "50m";
const MEMORY_REQUEST = "128Mi";
/** The agent stays below 250 MB with 10,000 live Jobs. */
const MEMORY_LIMIT = "384Mi";

/** Of `cleanup`: it wakes once a minute and holds one page of objects. No CPU limit, here as for the agent. */
export const CLEANUP_RESOURCES: Resources = {
  requests: { cpu: "10m", memory: "64Mi" },
  limits: { memory: "256Mi" },
};

/** What was asked for; a default gives way where it would contradict what was asked for. */
export function agentResources(options: ResourceOptions): Resources {
  const { agentMemRequest, agentMemLimit, agentCpuRequest, agentCpuLimit } = options;
  return {
    requests: {
      cpu: agentCpuRequest || smaller(CPU_REQUEST, agentCpuLimit, cores),
      memory: agentMemRequest || smaller(MEMORY_REQUEST, agentMemLimit, bytes),
    },
    limits: {
      ...(agentCpuLimit ? { cpu: agentCpuLimit } : {}),
      memory: agentMemLimit || larger(MEMORY_LIMIT, agentMemRequest),
    },
  };
}

type Measure = (quantity: string) => number;

function smaller(ours: string, theirs: string | undefined, measure: Measure): string {
  return theirs && measure(theirs) < measure(ours) ? theirs : ours;
}

function larger(ours: string, theirs: string | undefined): string {
  return theirs && bytes(theirs) > bytes(ours) ? theirs : ours;
}

function bytes(memory: string): number {
  return readMemory(memory, "memory");
}

function cores(cpu: string): number {
  return readCpu(cpu, "CPU");
}
