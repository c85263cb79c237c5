// A flow run's run config, checked as Prefect 1 checks it: what this agent can run, and why it cannot run the rest.

import { arrayIn, isObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";

/** What a KubernetesRun says; null is "not said". */
export interface RunConfig {
  readonly env: JsonObject;
  readonly jobTemplate: unknown;
  readonly jobTemplatePath: string | null;
  readonly image: string | null;
  readonly cpuLimit: string | null;
  readonly cpuRequest: string | null;
  readonly memoryLimit: string | null;
  readonly memoryRequest: string | null;
  readonly serviceAccountName: string | null;
  readonly imagePullSecrets: readonly string[];
  readonly imagePullPolicy: string | null;
}

const DEFAULTS: RunConfig = {
  env: {},
  jobTemplate: null,
  jobTemplatePath: null,
  image: null,
  cpuLimit: null,
  cpuRequest: null,
  memoryLimit: null,
  memoryRequest: null,
  serviceAccountName: null,
  imagePullSecrets: [],
  imagePullPolicy: null,
};

/** Run configs of Prefect 1 that belong to other agents. */
const OTHER_TYPES = new Set(["LocalRun", "DockerRun", "ECSRun", "VertexRun"]);
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

/** The flow run's run config: null is a KubernetesRun with defaults. Throws JobError for what cannot run here. */
export function readRunConfig(flowRun: Pick<FlowRun, "id" | "run_config">): RunConfig {
  const wire = flowRun.run_config;
  if (wire === null) return DEFAULTS;
  const read = new Reader(flowRun.id, wire);
  read.checkType();
  read.checkLabels();
  const env = read.env();
  return wire["type"] === "UniversalRun" ? { ...DEFAULTS, env } : kubernetesRun(read, env);
}

function kubernetesRun(read: Reader, env: JsonObject): RunConfig {
  const config: RunConfig = {
    env,
    jobTemplate: read.wire["job_template"] ?? null,
    jobTemplatePath: read.text("job_template_path"),
    image: read.text("image"),
    cpuLimit: read.text("cpu_limit"),
    cpuRequest: read.text("cpu_request"),
    memoryLimit: read.text("memory_limit"),
    memoryRequest: read.text("memory_request"),
    serviceAccountName: read.text("service_account_name"),
    imagePullSecrets: read.pullSecrets(),
    imagePullPolicy: read.text("image_pull_policy"),
  };
  const { imagePullPolicy: policy, jobTemplate } = config;
  if (policy !== null && !PULL_POLICIES.includes(policy)) {
    throw read.error(
      `an invalid \`image_pull_policy\` '${policy}', expected 'Always', 'IfNotPresent', or 'Never'`,
    );
  }
  if (jobTemplate !== null && config.jobTemplatePath !== null) {
    throw read.error("both `job_template_path` and `job_template`, only one of them can be provided");
  }
  if (jobTemplate !== null && !isObject(jobTemplate) && typeof jobTemplate !== "string") {
    throw read.error("a `job_template` that is neither an object nor the YAML text of one");
  }
  return config;
}

/** Reads fields of one run config, and says whose it is when one is wrong. */
class Reader {
  readonly wire: JsonObject;
  readonly #flowRunId: string;

  constructor(flowRunId: string, wire: JsonObject) {
    this.#flowRunId = flowRunId;
    this.wire = wire;
  }

  error(what: string): JobError {
    return new JobError(`Flow run ${this.#flowRunId} has a \`run_config\` with ${what}`);
  }

  checkType(): void {
    const { type } = this.wire;
    if (type === "KubernetesRun" || type === "UniversalRun") return;
    const whose = `Flow run ${this.#flowRunId} has a \`run_config\``;
    if (type === undefined || type === null) throw new JobError(`${whose} without a \`type\``);
    const named = typeof type === "string" ? type : JSON.stringify(type);
    if (!OTHER_TYPES.has(named)) throw new JobError(`${whose} of the unknown type \`${named}\``);
    throw new JobError(`${whose} of type \`${named}\`, only \`KubernetesRun\` is supported`);
  }

  checkLabels(): void {
    const { labels } = this.wire;
    if (labels === undefined) return;
    if (!Array.isArray(labels) || !labels.every(isText))
      throw this.error("`labels` that are not a list of texts");
  }

  env(): JsonObject {
    const env = this.wire["env"] ?? {};
    if (!isObject(env)) throw this.error("an `env` that is not an object");
    return env;
  }

  text(key: string): string | null {
    const value = this.wire[key] ?? null;
    if (value !== null && typeof value !== "string") throw this.error(`a \`${key}\` that is not a text`);
    return value;
  }

  /** An empty text means none, as Core 0.15.11 and later read it. */
  pullSecrets(): readonly string[] {
    const value = this.wire["image_pull_secrets"] ?? [];
    if (value === "") return [];
    const names = arrayIn(value).filter(isText);
    if (!Array.isArray(value) || names.length !== value.length) {
      throw this.error("`image_pull_secrets` that are not a list of texts");
    }
    return names;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
