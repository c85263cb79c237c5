// launch: poll → claim → [build] → createJob. The pod of a flow run's Job, and in it the container that runs the flow.
// Precedence differs from field to field; the comments name it.

import { arrayIn, objectIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { knowsFlowRunCommand } from "./core-version.ts";
import { flowEnvironment } from "./environment.ts";
import { JobError } from "../../job/errors.ts";
import type { FlowContainer, JobManifest } from "../../kube/client/manifest.ts";
import type { FieldSource, Recorder } from "./field-source.ts";
import type { RunConfig } from "./run-config.ts";
import type { JobSettings } from "./job-settings.ts";
import { storageImage } from "./storage.ts";
import type { OverridableField, Template } from "./template.ts";

export interface PodInput {
  readonly flowRun: FlowRun;
  readonly settings: JobSettings;
  readonly template: Template;
  readonly runConfig: RunConfig;
  /** The template's pod spec. */
  readonly given: JsonObject;
}

type PodSpec = JobManifest["spec"]["template"]["spec"];

/** A value and where it comes from; no value means that nothing is written. */
type Choice<T> = readonly [T, FieldSource] | undefined;

const PATH = "spec.template.spec";
const FLOW_CONTAINER = "flow";

/** The template's pod spec with the flow run in it. */
export function buildPodSpec(input: PodInput, record: Recorder | undefined): PodSpec {
  const { given } = input;
  const fields: Record<string, unknown> = { ...given };
  const write = (field: string, choice: Choice<unknown>): void => {
    if (choice === undefined) return;
    fields[field] = choice[0];
    record?.(`${PATH}.${field}`, choice[1]);
  };
  write("serviceAccountName", serviceAccountOf(input));
  write("imagePullSecrets", pullSecretsOf(input));
  if (given["restartPolicy"] === undefined) write("restartPolicy", ["Never", "default"]);
  return { ...fields, containers: containersOf(input, record) };
}

/** Run config, then the run config's template, then the agent, then the agent's template. */
function serviceAccountOf({ runConfig, settings, template }: PodInput): Choice<string> {
  if (runConfig.serviceAccountName !== null) return [runConfig.serviceAccountName, "run config"];
  const { serviceAccountName: name } = settings;
  return name === undefined || isOwners(template, "serviceAccountName") ? undefined : [name, "agent option"];
}

/** As for the service account; the agent's list replaces its template's. */
function pullSecretsOf({ runConfig, settings, template }: PodInput): Choice<{ name: string }[]> {
  const named = (names: readonly string[]): { name: string }[] => names.map((name) => ({ name }));
  if (runConfig.imagePullSecrets.length > 0) return [named(runConfig.imagePullSecrets), "run config"];
  const { imagePullSecrets: names } = settings;
  return names === undefined || isOwners(template, "imagePullSecrets")
    ? undefined
    : [named(names), "agent option"];
}

/** The run config's own template mentions the field, perhaps as null: then the agent has no say in it. */
function isOwners(template: Template, field: OverridableField): boolean {
  return template.origin.from === "run config" && template.mentions[field];
}

function containersOf(input: PodInput, record: Recorder | undefined): JsonObject[] {
  const containers = arrayIn(input.given["containers"]).map(objectIn);
  if (containers.length === 0) containers.push({});
  const at = Math.max(
    0,
    containers.findIndex((container) => container["name"] === FLOW_CONTAINER),
  );
  const path = `${PATH}.containers[${at}]`;
  const toContainer: Recorder | undefined =
    record === undefined ? undefined : (field, source) => record(`${path}.${field}`, source);
  containers[at] = flowContainer(input, containers[at] ?? {}, toContainer);
  return containers;
}

function flowContainer(input: PodInput, given: JsonObject, record: Recorder | undefined): FlowContainer {
  const { flowRun, settings, runConfig } = input;
  const [image, imageSource] = imageOf(input, given);
  record?.("image", imageSource);
  record?.("args", "forced");
  if (given["name"] === undefined) record?.("name", "default");
  const slots = flowEnvironment({
    flowRun,
    settings,
    image,
    runEnv: runConfig.env,
    templateEnv: given["env"],
  });
  if (record !== undefined) slots.forEach(({ source }, at) => record(`env[${at}]`, source));
  return {
    name: FLOW_CONTAINER,
    ...given,
    image,
    ...pullPolicyOf(input, given, record),
    args: ["prefect", "execute", commandOf(flowRun)],
    env: slots.map(({ entry }) => entry),
    resources: resourcesOf(input, objectIn(given["resources"]), record),
  };
}

/** Docker storage, then run config (an empty text counts), then template, then Prefect's image of the flow's Core. */
function imageOf({ flowRun, runConfig }: PodInput, given: JsonObject): [string, FieldSource] {
  const stored = storageImage(flowRun);
  if (stored !== undefined) return [stored, "forced"];
  if (runConfig.image !== null) return [runConfig.image, "run config"];
  const image = given["image"];
  if (typeof image === "string" && image !== "") return [image, "template"];
  return [`prefecthq/prefect:${flowRun.flow.core_version?.split("+")[0] || "latest"}`, "default"];
}

/** Run config, then template, then agent; else Kubernetes decides by the image's tag. */
function pullPolicyOf(
  { runConfig, settings }: PodInput,
  given: JsonObject,
  record: Recorder | undefined,
): { readonly imagePullPolicy?: string } {
  const field = "imagePullPolicy";
  if (runConfig.imagePullPolicy !== null) {
    record?.(field, "run config");
    return { imagePullPolicy: runConfig.imagePullPolicy };
  }
  if (given[field] !== undefined || settings.imagePullPolicy === undefined) return {};
  record?.(field, "agent option");
  return { imagePullPolicy: settings.imagePullPolicy };
}

/** Core before 0.13.0, and flows that do not say theirs, know `cloud-flow` only. */
function commandOf({ id, flow }: FlowRun): "flow-run" | "cloud-flow" {
  if (flow.core_version === null || flow.core_version === "") return "cloud-flow";
  const known = knowsFlowRunCommand(flow.core_version);
  if (known !== undefined) return known ? "flow-run" : "cloud-flow";
  throw new JobError(`Flow run ${id} has a flow with the invalid \`core_version\` '${flow.core_version}'`);
}

/** Run config, then template, then agent, each quantity for itself; other resources stay as they are. */
function resourcesOf(
  { runConfig, settings }: PodInput,
  given: JsonObject,
  record: Recorder | undefined,
): FlowContainer["resources"] {
  const requests: Record<string, unknown> = { ...objectIn(given["requests"]) };
  const limits: Record<string, unknown> = { ...objectIn(given["limits"]) };
  const write = (
    kind: "requests" | "limits",
    resource: string,
    wanted: readonly (string | null | undefined)[],
  ): void => {
    const [asked, fallback] = wanted;
    const into = kind === "requests" ? requests : limits;
    const useFallback = !asked && into[resource] === undefined;
    const value = asked || (useFallback ? fallback : undefined);
    if (!value) return;
    into[resource] = value;
    record?.(`resources.${kind}.${resource}`, useFallback ? "agent option" : "run config");
  };
  write("requests", "memory", [runConfig.memoryRequest, settings.resources.memoryRequest]);
  write("limits", "memory", [runConfig.memoryLimit, settings.resources.memoryLimit]);
  write("requests", "cpu", [runConfig.cpuRequest, settings.resources.cpuRequest]);
  write("limits", "cpu", [runConfig.cpuLimit, settings.resources.cpuLimit]);
  for (const [kind, value] of Object.entries({ requests, limits })) {
    if (Object.keys(value).length === 0) record?.(`resources.${kind}`, "default");
  }
  return { ...given, requests, limits };
}
