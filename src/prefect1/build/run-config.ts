// Reads and validates a flow run's run config, like Prefect 1.

import { arrayIn, isObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";

/** The fields of a KubernetesRun; null: not set. */
export type RunConfig = ReturnType<typeof kubernetesRun>;

/** Run configs for Prefect 1's other agents. */
const OTHER_TYPES = new Set(["LocalRun", "DockerRun", "ECSRun", "VertexRun"]);
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

/** No run config means a KubernetesRun with defaults. Throws JobError for an invalid or unsupported one. */
export function readRunConfig(flowRun: Pick<FlowRun, "id" | "run_config">): RunConfig {
  const fields = flowRun.run_config;
  if (fields === null) return kubernetesRun(new Reader(flowRun.id, {}));
  const read = new Reader(flowRun.id, fields);
  read.checkType();
  read.checkLabels();
  if (fields["type"] === "KubernetesRun") return kubernetesRun(read);
  // A UniversalRun has nothing but an environment.
  return kubernetesRun(new Reader(flowRun.id, { env: read.env() }));
}

function kubernetesRun(read: Reader) {
  const jobTemplate = read.wire["job_template"] ?? null;
  const jobTemplatePath = read.string("job_template_path");
  const imagePullPolicy = read.string("image_pull_policy");
  if (imagePullPolicy !== null && !PULL_POLICIES.includes(imagePullPolicy)) {
    throw read.error(
      `an invalid \`image_pull_policy\` '${imagePullPolicy}', expected 'Always', 'IfNotPresent', or 'Never'`,
    );
  }
  if (jobTemplate !== null && jobTemplatePath !== null) {
    throw read.error("both `job_template_path` and `job_template`, only one of them can be provided");
  }
  if (jobTemplate !== null && !isObject(jobTemplate) && typeof jobTemplate !== "string") {
    throw read.error("a `job_template` that is neither an object nor the YAML text of one");
  }
  return {
    env: read.env(),
    jobTemplate,
    jobTemplatePath,
    image: read.string("image"),
    cpuLimit: read.string("cpu_limit"),
    cpuRequest: read.string("cpu_request"),
    memoryLimit: read.string("memory_limit"),
    memoryRequest: read.string("memory_request"),
    serviceAccountName: read.string("service_account_name"),
    imagePullSecrets: read.pullSecrets(),
    imagePullPolicy,
  };
}

/** Reads the fields of a run config; errors name its flow run. */
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
    const subject = `Flow run ${this.#flowRunId} has a \`run_config\``;
    if (type === undefined || type === null) throw new JobError(`${subject} without a \`type\``);
    const name = typeof type === "string" ? type : JSON.stringify(type);
    if (!OTHER_TYPES.has(name)) throw new JobError(`${subject} of the unknown type \`${name}\``);
    throw new JobError(`${subject} of type \`${name}\`, only \`KubernetesRun\` is supported`);
  }

  checkLabels(): void {
    const { labels } = this.wire;
    if (labels === undefined) return;
    if (!Array.isArray(labels) || !labels.every(isString))
      throw this.error("`labels` that are not a list of strings");
  }

  env(): JsonObject {
    const env = this.wire["env"] ?? {};
    if (!isObject(env)) throw this.error("an `env` that is not an object");
    return env;
  }

  string(key: string): string | null {
    const value = this.wire[key] ?? null;
    if (value !== null && typeof value !== "string") throw this.error(`a \`${key}\` that is not a string`);
    return value;
  }

  /** As in Core 0.15.11 and later, an empty string means none. */
  pullSecrets(): readonly string[] {
    const value = this.wire["image_pull_secrets"] ?? [];
    if (value === "") return [];
    const names = arrayIn(value).filter(isString);
    if (!Array.isArray(value) || names.length !== value.length) {
      throw this.error("`image_pull_secrets` that are not a list of strings");
    }
    return names;
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
