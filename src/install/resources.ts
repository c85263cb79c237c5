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
/** The agent needs less than 250 MB with 10,000 live Jobs. */
const MEMORY_LIMIT = "384Mi";

/** For `cleanup`, which runs once a minute. Like the agent, it has no CPU limit. */
export const CLEANUP_RESOURCES: Resources = {
  requests: { cpu: "10m", memory: "64Mi" },
  limits: { memory: "256Mi" },
};

/** The values of the options; a default is adjusted to a conflicting option. */
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

type Parse = (quantity: string) => number;

function smaller(defaultValue: string, option: string | undefined, parse: Parse): string {
  return option && parse(option) < parse(defaultValue) ? option : defaultValue;
}

function larger(defaultValue: string, option: string | undefined): string {
  return option && bytes(option) > bytes(defaultValue) ? option : defaultValue;
}

function bytes(memory: string): number {
  return readMemory(memory, "memory");
}

function cores(cpu: string): number {
  return readCpu(cpu, "CPU");
}
