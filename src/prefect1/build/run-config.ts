// Reads and validates a flow run's run config, like Prefect 1.

import { arrayIn, isObject, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { shapeProblem, type Shape } from "../../base/shape.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";

/** The fields of a KubernetesRun; null: not set. */
export type RunConfig = ReturnType<typeof readRunConfig>;

/** Run configs for Prefect 1's other agents. */
const OTHER_TYPES = new Set(["LocalRun", "DockerRun", "ECSRun", "VertexRun"]);
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

const KUBERNETES_RUN: Shape = {
  labels: ["string"],
  env: {},
  job_template_path: "string",
  image: "string",
  cpu_limit: "string",
  cpu_request: "string",
  memory_limit: "string",
  memory_request: "string",
  service_account_name: "string",
  image_pull_secrets: ["string"],
  image_pull_policy: "string",
};

/** No run config means a KubernetesRun with defaults. Throws JobError for an invalid or unsupported one. */
export function readRunConfig({ id, run_config: fields }: Pick<FlowRun, "id" | "run_config">) {
  const error = (what: string): JobError => new JobError(`Flow run ${id} has a \`run_config\` ${what}`);
  const { type, labels = [], env = null } = fields ?? { type: "KubernetesRun" };
  if (type !== "KubernetesRun" && type !== "UniversalRun") throw error(typeProblem(type));
  // A UniversalRun has nothing but an environment.
  const wire: JsonObject = type === "UniversalRun" ? { labels, env } : { ...fields, labels };
  // As in Core 0.15.11 and later, an empty string means none.
  const { job_template: jobTemplate = null, image_pull_secrets: secrets = "" } = wire;
  const problem =
    labels === null
      ? "labels is not a list"
      : shapeProblem({ ...wire, image_pull_secrets: secrets === "" ? null : secrets }, KUBERNETES_RUN);
  if (problem !== undefined) throw error(`whose ${problem}`);
  const text = (key: string): string | null => textIn(wire[key]) ?? null;
  const jobTemplatePath = text("job_template_path");
  const imagePullPolicy = text("image_pull_policy");
  if (imagePullPolicy !== null && !PULL_POLICIES.includes(imagePullPolicy)) {
    const expected = "expected 'Always', 'IfNotPresent', or 'Never'";
    throw error(`with an invalid \`image_pull_policy\` '${imagePullPolicy}', ${expected}`);
  }
  if (jobTemplate !== null && jobTemplatePath !== null)
    throw error("with both `job_template_path` and `job_template`, only one of them can be provided");
  if (jobTemplate !== null && !isObject(jobTemplate) && typeof jobTemplate !== "string")
    throw error("with a `job_template` that is neither an object nor the YAML text of one");
  return {
    env: objectIn(env),
    jobTemplate,
    jobTemplatePath,
    image: text("image"),
    cpuLimit: text("cpu_limit"),
    cpuRequest: text("cpu_request"),
    memoryLimit: text("memory_limit"),
    memoryRequest: text("memory_request"),
    serviceAccountName: text("service_account_name"),
    imagePullSecrets: arrayIn(secrets).map(String),
    imagePullPolicy,
  };
}

function typeProblem(type: unknown): string {
  if (type === undefined || type === null) return "without a `type`";
  const name = typeof type === "string" ? type : JSON.stringify(type);
  return OTHER_TYPES.has(name)
    ? `of type \`${name}\`, only \`KubernetesRun\` is supported`
    : `of the unknown type \`${name}\``;
}
