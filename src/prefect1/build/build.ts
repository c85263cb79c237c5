// launch: poll → claim → [build] → createJob. Builds the Job of a flow run from the job template, like generate_job_spec of
// Core 1.4.1's agent.

import { objectIn, textIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";
import { FLOW_LABEL, FLOW_RUN_LABEL, IDENTIFIER_LABEL, AGENT_ANNOTATION } from "../../job/labels.ts";
import type { JobManifest, ManifestMeta } from "../../kube/client/manifest.ts";
import { jobName, templateName } from "./job-name.ts";
import { buildPodSpec } from "./pod-spec.ts";
import { childPath } from "./field-source.ts";
import type { Recorder } from "./field-source.ts";
import { readRunConfig } from "./run-config.ts";
import type { RunConfig } from "./run-config.ts";
import type { JobSettings } from "./job-settings.ts";
import type { Template } from "./template.ts";

export interface BuildInput {
  readonly flowRun: FlowRun;
  readonly settings: JobSettings;
  readonly template: Template;
  /** Eight hex digits, from jobIdentifier. */
  readonly identifier: string;
}

const SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const POD_META = "spec.template.metadata";

/** Builds the Job of a flow run. Throws JobError with a message for the flow's owner. */
// oxlint-disable-next-line max-params -- one parameter per input
export function buildJob(
  flowRun: FlowRun,
  settings: JobSettings,
  template: Template,
  identifier: string,
): JobManifest {
  return assembleJob({ flowRun, settings, template, identifier });
}

/** Like buildJob; also records the source of each field that is not from the template. */
export function assembleJob(input: BuildInput, record?: Recorder): JobManifest {
  const { body } = input.template;
  const runConfig = readRunConfig(input.flowRun);
  checkNamespace(input);
  const spec = objectIn(body["spec"]);
  for (const field of ["apiVersion", "kind"]) if (body[field] === undefined) record?.(field, "default");
  if (spec["backoffLimit"] === undefined) record?.("spec.backoffLimit", "default");
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    ...body,
    metadata: jobMeta(input, record),
    // The agent reports the first failed pod; with the default backoffLimit Kubernetes would start the flow again.
    spec: { backoffLimit: 0, ...spec, template: podTemplate(input, runConfig, record) },
  };
}

function checkNamespace({ flowRun, settings, template }: BuildInput): void {
  const namespace = textIn(objectIn(template.body["metadata"])["namespace"]);
  if (namespace === undefined || namespace === settings.namespace) return;
  throw new JobError(
    `Flow run ${flowRun.id} has a job template for the namespace \`${namespace}\`, but its agent creates Jobs in \`${settings.namespace}\``,
    { hint: "remove metadata.namespace from the template, or start an agent for that namespace" },
  );
}

function jobMeta(input: BuildInput, record: Recorder | undefined): JobManifest["metadata"] {
  const { template, settings } = input;
  const metadata = objectIn(template.body["metadata"]);
  record?.("metadata.name", templateName(template) === undefined ? "default" : "template");
  const name = jobName(template, input.identifier);
  const full = {
    ...metadata,
    name,
    labels: withLabels(input, metadata, record && underPath(record, "metadata")),
  };
  if (settings.owner === undefined) return full;
  record?.(childPath("metadata.annotations", AGENT_ANNOTATION), "forced");
  const annotations = { ...objectIn(metadata["annotations"]), [AGENT_ANNOTATION]: settings.owner };
  return { ...full, annotations };
}

function podTemplate(
  input: BuildInput,
  runConfig: RunConfig,
  record: Recorder | undefined,
): JobManifest["spec"]["template"] {
  const template = objectIn(objectIn(input.template.body["spec"])["template"]);
  return {
    ...template,
    metadata: podMeta(input, objectIn(template["metadata"]), record),
    spec: buildPodSpec({ ...input, runConfig, podSpec: objectIn(template["spec"]) }, record),
  };
}

function podMeta(input: BuildInput, metadata: JsonObject, record: Recorder | undefined): ManifestMeta {
  const full = { ...metadata, labels: withLabels(input, metadata, record && underPath(record, POD_META)) };
  const annotations = objectIn(metadata["annotations"]);
  if (input.settings.safeToEvict || annotations[SAFE_TO_EVICT] !== undefined) return full;
  record?.(childPath(`${POD_META}.annotations`, SAFE_TO_EVICT), "default");
  return { ...full, annotations: { ...annotations, [SAFE_TO_EVICT]: "false" } };
}

function withLabels(
  { identifier, flowRun }: BuildInput,
  metadata: JsonObject,
  record: Recorder | undefined,
): JsonObject {
  const ours = {
    [IDENTIFIER_LABEL]: identifier,
    [FLOW_RUN_LABEL]: flowRun.id,
    [FLOW_LABEL]: flowRun.flow.id,
  };
  if (record !== undefined)
    for (const label of Object.keys(ours)) record(childPath("labels", label), "forced");
  return { ...objectIn(metadata["labels"]), ...ours };
}

/** Prefixes the recorded paths. */
function underPath(record: Recorder, path: string): Recorder {
  return (inner, source) => record(`${path}.${inner}`, source);
}
