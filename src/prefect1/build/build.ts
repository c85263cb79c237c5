// launch: poll → claim → [build] → createJob. Builds the Job of a flow run from the job template, like generate_job_spec of
// Core 1.4.1's agent.

import { arrayIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { readFlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";
import {
  AGENT_ANNOTATION,
  FLOW_LABEL,
  FLOW_RUN_LABEL,
  IDENTIFIER_LABEL,
  OWN_RETRIES_ANNOTATION,
} from "../../job/labels.ts";
import type { JobManifest, ManifestMeta } from "../../kube/client/manifest.ts";
import { buildPodSpec, type PodInput } from "./pod-spec.ts";
import { childPath, type Recorder } from "./field-source.ts";
import { readRunConfig } from "./run-config.ts";
import type { JobSettings } from "./job-settings.ts";
import { namespaceIn, podSpecIn, type Template } from "./template.ts";

export interface BuildInput extends Omit<PodInput, "runConfig"> {
  /** Eight hex digits, from jobIdentifier. */
  readonly identifier: string;
}

/** What keeps cluster-autoscaler and Karpenter from evicting a pod. */
const KEEP_RUNNING: Readonly<Record<string, string>> = {
  "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
  "karpenter.sh/do-not-disrupt": "true",
};
/** GKE Autopilot never starts a spot pod that must not be evicted (buildkite/agent-stack-k8s#849). */
const SPOT = "cloud.google.com/gke-spot";
/** With a hyphen and the identifier 57 characters, which leaves room for the pods' suffix within 63. */
const PREFIX_LENGTH = 48;
const DEFAULT_PREFIX = "prefect-job";
const POD_META = "spec.template.metadata";

/** Builds the Job of a flow run. Throws JobError with a message for the flow's owner. `record`: told where fields are from. */
export function buildJob(input: BuildInput, record: Recorder = () => {}): JobManifest {
  const { body } = input.template;
  const runConfig = readRunConfig(input.flowRun);
  checkNamespace(input);
  const spec = objectIn(body["spec"]);
  const template = objectIn(spec["template"]);
  // The agent reports the first failed pod; with the default backoffLimit Kubernetes would start the flow again.
  // A flow is one index, and Kubernetes before 1.28 knows no limit for each.
  const backoffLimit = restartsInPod(body) ? {} : { backoffLimit: spec["backoffLimitPerIndex"] ?? 0 };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    ...body,
    metadata: jobMeta(input, record),
    spec: {
      ...backoffLimit,
      ...spec,
      template: {
        ...template,
        metadata: podMeta(input, objectIn(template["metadata"]), record),
        spec: buildPodSpec({ ...input, runConfig }, record),
      },
    },
  };
}

function checkNamespace({ flowRun, settings, template }: BuildInput): void {
  const namespace = namespaceIn(template.body);
  if (namespace === undefined || namespace === settings.namespace) return;
  throw new JobError(
    `Flow run ${flowRun.id} has a job template for the namespace \`${namespace}\`, but its agent creates Jobs in \`${settings.namespace}\``,
    { hint: "remove metadata.namespace from the template, or start an agent for that namespace" },
  );
}

function jobMeta(input: BuildInput, record: Recorder): JobManifest["metadata"] {
  const { body } = input.template;
  const { owner } = input.settings;
  const path = "metadata";
  const metadata = objectIn(body[path]);
  const labels = labelsOf(input, { metadata, path }, record);
  const full = { ...metadata, name: jobName(input.template, input.identifier), labels };
  if (owner === undefined) return full;
  // Where a container is restarted in its pod, the API server's default looks like a limit that the template sets.
  const hasOwnRetries = restartsInPod(body) && objectIn(body["spec"])["backoffLimit"] !== undefined;
  const ours = { ...(hasOwnRetries && { [OWN_RETRIES_ANNOTATION]: "true" }), [AGENT_ANNOTATION]: owner };
  for (const key of Object.keys(ours)) record(childPath(`${path}.annotations`, key), "forced");
  return { ...full, annotations: { ...objectIn(metadata["annotations"]), ...ours } };
}

function restartsInPod(body: JsonObject): boolean {
  return podSpecIn(body)["restartPolicy"] === "OnFailure";
}

function podMeta(input: BuildInput, metadata: JsonObject, record: Recorder): ManifestMeta {
  const full = { ...metadata, labels: labelsOf(input, { metadata, path: POD_META }, record) };
  if (input.settings.safeToEvict || isSpot(podSpecIn(input.template.body))) return full;
  return { ...full, annotations: { ...KEEP_RUNNING, ...objectIn(metadata["annotations"]) } };
}

function isSpot(spec: JsonObject): boolean {
  return (
    SPOT in objectIn(spec["nodeSelector"]) ||
    arrayIn(spec["tolerations"]).some((one) => objectIn(one)["key"] === SPOT)
  );
}

/** The labels of the metadata at this path, with those of the run. */
function labelsOf(
  { identifier, flowRun }: BuildInput,
  { metadata, path }: { readonly metadata: JsonObject; readonly path: string },
  record: Recorder,
): JsonObject {
  const ours = {
    [IDENTIFIER_LABEL]: identifier,
    [FLOW_RUN_LABEL]: flowRun.id,
    [FLOW_LABEL]: flowRun.flow.id,
  };
  for (const label of Object.keys(ours)) record(childPath(`${path}.labels`, label), "forced");
  return { ...objectIn(metadata["labels"]), ...ours };
}

/** `<prefix>-<identifier>`: the prefix is the template's name, truncated, without trailing hyphens and dots. */
export function jobName(template: Template, identifier: string): string {
  const name = textIn(objectIn(template.body["metadata"])["name"]) ?? "";
  const prefix = name.slice(0, PREFIX_LENGTH).replace(/[-.]+$/, "") || DEFAULT_PREFIX;
  return `${prefix}-${identifier}`;
}

const ID = "00000000-0000-4000-8000-000000000000";
const SAMPLE_RUN = readFlowRun({
  id: ID,
  flow: { id: ID, core_version: "1.4.1", storage: { type: "Local" } },
});

/** The Job of a flow run without a run config, to try a template with; without the API key. Throws JobError for none. */
export function sampleJob(template: Template, settings: JobSettings): JobManifest {
  const withoutKey = { ...settings, apiKey: undefined, env: {} };
  return buildJob({ flowRun: SAMPLE_RUN, settings: withoutKey, template, identifier: "00000000" });
}
