// launch: poll → claim → [build] → createJob. Builds the pod spec of a flow run's Job and the container that runs the flow.
// Precedence differs by field, as documented below.

import { parseQuantity } from "../../base/quantity.ts";
import { arrayIn, objectIn, type JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { flowEnvironment, type EnvInput } from "./environment.ts";
import { JobError } from "../../job/errors.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import type { FieldSource, Recorder } from "./field-source.ts";
import type { RunConfig } from "./run-config.ts";
import { podSpecIn, type Template } from "./template.ts";
import { storageImage } from "./storage.ts";

export interface PodInput extends Pick<EnvInput, "flowRun" | "settings"> {
  readonly template: Template;
  readonly runConfig: RunConfig;
}

type PodSpec = JobManifest["spec"]["template"]["spec"];

/** A value and its source; undefined: leave the field as it is. */
type Choice<T> = readonly [T, FieldSource] | undefined;

const PATH = "spec.template.spec";
const FLOW_CONTAINER = "flow";

export function buildPodSpec(input: PodInput, record: Recorder): PodSpec {
  const { runConfig, settings, template } = input;
  const podSpec = podSpecIn(template.body);
  const fields: Record<string, unknown> = { ...podSpec };
  const write = (field: string, choice: Choice<unknown>): void => {
    if (choice === undefined) return;
    fields[field] = choice[0];
    record(`${PATH}.${field}`, choice[1]);
  };
  // The agent's own template yields to the agent's options.
  const isSet = (field: string): boolean => template.overrides.has(field);
  const { serviceAccountName: account } = runConfig;
  write("serviceAccountName", chosen(account, settings.serviceAccountName, isSet("serviceAccountName")));
  // The lists are not merged.
  const ofRun = runConfig.imagePullSecrets.length > 0 ? runConfig.imagePullSecrets : null;
  const secrets = chosen(ofRun, settings.imagePullSecrets, isSet("imagePullSecrets"));
  write("imagePullSecrets", secrets && [secrets[0].map((name) => ({ name })), secrets[1]]);
  const restartPolicy = podSpec["restartPolicy"] ?? "Never";
  const containers = arrayIn(podSpec["containers"]).map(objectIn);
  const named = containers.findIndex((container) => container["name"] === FLOW_CONTAINER);
  const at = Math.max(0, named);
  const recordHere: Recorder = (field, source) => record(`${PATH}.containers[${at}].${field}`, source);
  containers[at] = flowContainer(input, containers[at] ?? {}, recordHere);
  return { ...fields, restartPolicy, containers };
}

/** The run config's value, else the template's own (undefined: the field stays), else the agent's. */
function chosen<T>(ofRun: T | null, ofAgent: T | undefined, isInTemplate: boolean): Choice<T> {
  if (ofRun !== null) return [ofRun, "run config"];
  return ofAgent === undefined || isInTemplate ? undefined : [ofAgent, "agent option"];
}

function flowContainer(input: PodInput, container: JsonObject, record: Recorder): JsonObject {
  const { flowRun, settings, runConfig } = input;
  const [image, imageSource] = imageOf(input, container);
  record("image", imageSource);
  record("args", "forced");
  const variables = flowEnvironment({ ...input, image, templateEnv: container["env"] });
  // Without any Kubernetes decides by the image's tag.
  const hasPolicy = container["imagePullPolicy"] !== undefined;
  const policy = chosen(runConfig.imagePullPolicy, settings.imagePullPolicy, hasPolicy);
  if (policy !== undefined) record("imagePullPolicy", policy[1]);
  variables.forEach(({ source }, at) => record(`env[${at}]`, source));
  return {
    name: FLOW_CONTAINER,
    ...container,
    image,
    ...(policy && { imagePullPolicy: policy[0] }),
    args: ["prefect", "execute", commandOf(flowRun)],
    env: variables.map(({ entry }) => entry),
    resources: resourcesOf(input, objectIn(container["resources"]), record),
  };
}

/** Precedence: Docker storage, run config (even if empty), template, Prefect's image for the flow's Core version. */
function imageOf({ flowRun, runConfig }: PodInput, container: JsonObject): [string, FieldSource] {
  const stored = storageImage(flowRun);
  if (stored !== undefined) return [stored, "forced"];
  if (runConfig.image !== null) return [runConfig.image, "run config"];
  const image = container["image"];
  if (typeof image === "string" && image !== "") return [image, "template"];
  return [`prefecthq/prefect:${flowRun.flow.core_version?.split("+")[0] || "latest"}`, "default"];
}

/** Core before 0.13.0 has only `cloud-flow`, which is also used for flows without a version. */
function commandOf({ id, flow }: FlowRun): "flow-run" | "cloud-flow" {
  if (flow.core_version === null || flow.core_version === "") return "cloud-flow";
  const supported = supportsFlowRunCommand(flow.core_version);
  if (supported !== undefined) return supported ? "flow-run" : "cloud-flow";
  throw new JobError(`Flow run ${id} has a flow with the invalid \`core_version\` '${flow.core_version}'`);
}

/** Other resources are unchanged. An agent's default that the run's or the template's own value excludes is left out. */
function resourcesOf({ runConfig, settings }: PodInput, resources: JsonObject, record: Recorder): JsonObject {
  const own = settings.resources;
  const kinds: Record<"requests" | "limits", Record<string, unknown>> = {
    requests: { ...objectIn(resources["requests"]) },
    limits: { ...objectIn(resources["limits"]) },
  };
  const rows = [
    ["requests", "memory", runConfig.memoryRequest, own.memoryRequest],
    ["limits", "memory", runConfig.memoryLimit, own.memoryLimit],
    ["requests", "cpu", runConfig.cpuRequest, own.cpuRequest],
    ["limits", "cpu", runConfig.cpuLimit, own.cpuLimit],
  ] as const;
  for (const [kind, resource, ofRun] of rows) {
    if (!ofRun) continue;
    kinds[kind][resource] = ofRun;
    record(`resources.${kind}.${resource}`, "run config");
  }
  const others = { requests: { ...kinds.limits }, limits: { ...kinds.requests } };
  for (const [kind, resource, , ofAgent] of rows) {
    if (!ofAgent || kinds[kind][resource] !== undefined) continue;
    const pair = [ofAgent, others[kind][resource]];
    const [request, limit] = (kind === "requests" ? pair : pair.reverse()).map(quantityIn);
    if ((request ?? 0) > (limit ?? Infinity)) continue;
    kinds[kind][resource] = ofAgent;
    record(`resources.${kind}.${resource}`, "agent option");
  }
  return { ...resources, ...kinds };
}

function quantityIn(value: unknown): number | undefined {
  return typeof value === "string" || typeof value === "number" ? parseQuantity(String(value)) : undefined;
}

const PEP_440 =
  /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?<pre>[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?(?<post>-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?<dev>[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;

/**
 * Whether this Core version has `prefect execute flow-run`, as 0.13.0 and later; undefined for an invalid version.
 * Pre-releases and development releases of 0.13.0 sort before it; local suffixes (`+134.g1a2b`) are ignored.
 */
export function supportsFlowRunCommand(coreVersion: string): boolean | undefined {
  const parts = PEP_440.exec(coreVersion.trim())?.groups;
  if (parts === undefined) return undefined;
  const { epoch = "0", release = "", pre, post, dev } = parts;
  const [major = 0, minor = 0, ...rest] = release.split(".").map(Number);
  if (Number(epoch) > 0 || major > 0 || minor > 13) return true;
  if (minor < 13) return false;
  const isBefore = pre !== undefined || (dev !== undefined && post === undefined);
  return rest.some((number) => number > 0) || !isBefore;
}
