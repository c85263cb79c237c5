// The options of `install`: those of `agent start`, its own, and the files that they name. Values are as the user typed
// them; an empty one counts as not set.

import { AGENT_OPTIONS } from "../agent/options.ts";
import { aCount, aCpu, aMemory, aNamespace, must, oneOf } from "../agent/option-checks.ts";
import { text, toggle, type OptionCheck, type OptionTable, type ValuesOf } from "../agent/option-row.ts";
import { parseQuantity } from "../base/quantity.ts";

/** [host[:port]/]name[:tag][@digest]. */
const IMAGE =
  /^(?:(?=[^/]*[.:])[A-Za-z0-9][-.A-Za-z0-9]*(?::\d+)?\/)?[a-z0-9]+(?:(?:\/|__?|-+|\.)[a-z0-9]+)*(?::[\w][-.\w]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,})?$/;
/** The field is an int32; the API server takes a greater number for another one. */
const MAX_REPLICAS = 2_147_483_647;
const aPolicy = oneOf(["Always", "IfNotPresent", "Never"]);
const anImage = must(IMAGE, "one image", "such as registry.example.com/prefect-agent:v1");
const atLeastOne = must(
  (value) => value !== "0",
  "a whole number of at least 1",
  "to stop an installed agent: kubectl scale deployment/prefect-agent --replicas=0",
);
const countable = must(
  (value) => Number(value) <= MAX_REPLICAS,
  "a number of replicas",
  `use at most ${MAX_REPLICAS}`,
);
const aReplicaCount: OptionCheck = (value, flag) => {
  atLeastOne(value, flag);
  aCount(value, flag);
  countable(value, flag);
};

/** The options of `agent start`, with descriptions for `install`. */
export const AGENT_START_OPTIONS = {
  ...AGENT_OPTIONS,
  jobTemplate: {
    ...AGENT_OPTIONS.jobTemplate,
    description:
      "job template: a file (- for standard input), which becomes a ConfigMap, or s3://, gs://, http(s)://",
  },
  imagePullSecrets: { ...AGENT_OPTIONS.imagePullSecrets, short: "-i" },
  keySecret: {
    ...AGENT_OPTIONS.keySecret,
    description: "existing Secret with the API key",
  },
} satisfies OptionTable;

export const INSTALL_OPTIONS = {
  rbacOnly: toggle("--rbac-only", "print only the objects of --rbac, or of --rbac=minimal"),
  namespace: text("--namespace", "namespace of all objects (default: that of kubectl apply)", {
    short: "-n",
    check: aNamespace,
  }),
  inlineKey: toggle("--inline-key", "write the API key into the Deployment, as Prefect's own install does"),
  configToml: text("--config-toml", "config.toml for the agent, as a ConfigMap; - for standard input"),
  imagePullPolicy: text(
    "--image-pull-policy",
    "default image pull policy of flows' pods: Always, IfNotPresent or Never",
    { check: aPolicy },
  ),
  memRequest: text("--mem-request", "default memory request of flows' pods", { check: aMemory }),
  memLimit: text("--mem-limit", "default memory limit of flows' pods", { check: aMemory }),
  cpuRequest: text("--cpu-request", "default CPU request of flows' pods", { check: aCpu }),
  cpuLimit: text("--cpu-limit", "default CPU limit of flows' pods", { check: aCpu }),
  agent: text("--agent", "which agent: kubectl-prefect (default), or python for Prefect 1.4.1's own", {
    check: oneOf(["kubectl-prefect", "python"]),
  }),
  image: text("--image", "the agent's image (default this version's)", { check: anImage }),
  latest: toggle("--latest", "the image with the tag latest"),
  agentImagePullPolicy: text(
    "--agent-image-pull-policy",
    "image pull policy of the agent's pod: Always, IfNotPresent or Never",
    { check: aPolicy },
  ),
  agentMemRequest: text("--agent-mem-request", "memory that the agent requests", { check: aMemory }),
  agentMemLimit: text("--agent-mem-limit", "memory limit of the agent", { check: aMemory }),
  agentCpuRequest: text("--agent-cpu-request", "CPU that the agent requests", { check: aCpu }),
  agentCpuLimit: text("--agent-cpu-limit", "CPU limit of the agent", { check: aCpu }),
  replicas: text("--replicas", "number of agents, of which one is the leader (default 1)", {
    check: aReplicaCount,
  }),
  resourceManager: toggle("--resource-manager", "a second container that runs cleanup every minute"),
} satisfies OptionTable;

/** A text file that becomes a ConfigMap; the path is used in messages. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

type OptionValues = ValuesOf<typeof AGENT_START_OPTIONS & typeof INSTALL_OPTIONS>;

export interface InstallOptions extends Omit<OptionValues, "jobTemplate" | "configToml"> {
  /** The version of kubectl-prefect, which is the tag of the default image. */
  readonly version: string;
  readonly api?: string | undefined;
  readonly backend?: string | undefined;
  readonly tenantId?: string | undefined;
  /** The API key; it goes into a Secret. */
  readonly key?: string | undefined;
  /** A template whose text goes into a ConfigMap. */
  readonly jobTemplate?: TextFile | undefined;
  /** A template that the agent downloads: http(s)://, s3://, gs://. */
  readonly jobTemplateUrl?: string | undefined;
  readonly configToml?: TextFile | undefined;
  /** The agent's name and labels where no flag sets them: of that configuration; undefined: the defaults. */
  readonly configured?: { readonly name: string; readonly labels: readonly string[] } | undefined;
  /** true: permissions for flows and agent; `minimal`: a ServiceAccount with only the agent's permissions. */
  readonly rbac?: boolean | "minimal" | undefined;
}

/** Whether one quantity is less than the other; false if one is not set. */
export function isLess(one = "", other = ""): boolean {
  return (parseQuantity(one) ?? NaN) < (parseQuantity(other) ?? NaN);
}

export function replicasIn({ replicas }: InstallOptions): number {
  return replicas ? Number(replicas) : 1;
}

/** Whether the agents elect a leader: by --leader-elect, or because there are several. */
export function electsLeader(options: InstallOptions): boolean {
  return options.leaderElect === true || replicasIn(options) > 1;
}
