// The job template: chosen for a flow run, validated, without nulls, never modified.

import { isObject, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { redactUrl } from "../../base/redact-url.ts";
import type { FlowRun } from "../flow-run.ts";
import { readRunConfig } from "./run-config.ts";
import { kubernetesValues, readYaml } from "./template-values.ts";
import { templateProblem } from "./template-check.ts";
import { isWebPage } from "../../http/web-page.ts";
import { JobError } from "../../job/errors.ts";
import { SettingsError, type ErrorDetails, type ExpectedError } from "../../base/errors.ts";

/** Who provided the template. Only the run config's overrides the agent's service account and pull secrets. */
export type TemplateOwner = "run config" | "agent" | "default";

export interface TemplateOrigin {
  readonly from: TemplateOwner;
  /** Path, URL or other name, for messages. */
  readonly name: string;
}

/** A file or an address that has a template. */
export interface TemplateSource {
  readonly path: string;
  readonly origin: TemplateOrigin;
}

/** Reads a template's text. Throws JobError for a run config's, SettingsError for the agent's; retryable for an outage. */
export type ReadTemplate = (source: TemplateSource) => Promise<string>;

export interface Template {
  readonly origin: TemplateOrigin;
  /** Without nulls, with an object at `spec.template.spec`. */
  readonly body: JsonObject;
  /** The fields of the pod that a run config's template defines, even as null: the agent leaves them. */
  readonly overrides: ReadonlySet<string>;
}

/** The template in the run config, or where it is; undefined: the run config has none. Throws JobError. */
export function templateInRun(
  flowRun: Pick<FlowRun, "id" | "run_config">,
): Template | TemplateSource | undefined {
  const { jobTemplate, jobTemplatePath: path } = readRunConfig(flowRun);
  const from = "run config";
  if (isNonEmptyTemplate(jobTemplate)) {
    const origin: TemplateOrigin = { from, name: `job_template of flow run ${flowRun.id}` };
    return typeof jobTemplate === "string"
      ? parseTemplate(jobTemplate, origin)
      : templateOf(jobTemplate, origin);
  }
  return path === null || path === "" ? undefined : { path, origin: { from, name: redactPath(path) } };
}

/** Where the agent's `--job-template` is. */
export function agentTemplateSource(path: string): TemplateSource {
  return { path, origin: { from: "agent", name: redactPath(path) } };
}

/** Validates a value as template. Errors name the invalid field's path, or what else `text` looks like. */
export function templateOf(value: unknown, origin: TemplateOrigin, text?: string): Template {
  const body = bodyOf(value, origin);
  const problem = templateProblem(body);
  if (problem !== undefined || !isObject(body)) {
    const kind = otherKindOfText(text ?? JSON.stringify(value) ?? "");
    throw templateError(origin, kind ?? problem ?? "it is not an object");
  }
  const given = origin.from === "run config" ? Object.keys(podSpecIn(objectIn(value))) : [];
  return { origin, body, overrides: new Set(given) };
}

function bodyOf(value: unknown, origin: TemplateOrigin): unknown {
  try {
    return kubernetesValues(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw templateError(origin, "it refers to itself, or is nested too deeply");
  }
}

/** The pod's spec of a Job. */
export function podSpecIn(job: JsonObject): JsonObject {
  return objectIn(objectIn(objectIn(job["spec"])["template"])["spec"]);
}

/** Undefined also for an empty one, as at the API server. */
export function namespaceIn(job: JsonObject): string | undefined {
  return textIn(objectIn(job["metadata"])["namespace"]) || undefined;
}

/** Parses YAML or JSON. Throws like templateError; syntax errors name line and column. */
export function parseTemplate(text: string, origin: TemplateOrigin): Template {
  const reading = readYaml(text);
  if ("problem" in reading) throw templateError(origin, otherKindOfText(text) ?? reading.problem);
  return templateOf(reading.value, origin, text);
}

/** Throws like templateError for a template of the agent for another namespace: every flow run would fail. */
export function checkTemplateNamespace({ origin, body }: Template, namespace: string): void {
  const own = namespaceIn(body) ?? namespace;
  if (own === namespace) return;
  const problem = `it is for the namespace "${own}", but the agent creates Jobs in "${namespace}"`;
  throw templateError(origin, problem, { hint: "remove metadata.namespace from it" });
}

/** Core's default template since 0.14.0: only a container named `flow`. */
export const DEFAULT_TEMPLATE: Template = {
  origin: { from: "default", name: "default" },
  body: {
    apiVersion: "batch/v1",
    kind: "Job",
    spec: { template: { spec: { containers: [{ name: "flow" }] } } },
  },
  overrides: new Set(),
};

/** What a text that is no job template looks like, if that is known. */
function otherKindOfText(text: string): string | undefined {
  if (isWebPage(text)) return "it is a web page, perhaps one to sign in";
  return /\{\{|\{%|"job_configuration"|^job_configuration:/m.test(text)
    ? "it looks like a template of Jinja, Helm or Prefect 2 and 3, whose braces nobody fills in here"
    : undefined;
}

const TEMPLATE_HINT =
  "a template is a Job with spec.template.spec, in YAML or JSON; kind and apiVersion may be left out";

/** JobError for a run config's template, which is the flow owner's to fix; SettingsError for the agent's. */
export function templateError(
  origin: TemplateOrigin,
  cause: string,
  details: ErrorDetails = {},
): ExpectedError {
  const message = `cannot use job template "${origin.name}": ${cause}`;
  if (origin.from === "run config") return new JobError(message, details);
  const hint = details.hint ?? (details.retryable === true ? undefined : TEMPLATE_HINT);
  return new SettingsError(message, { ...details, hint });
}

/** An address without user, password, query and fragment, which can contain secrets. A scheme has at least two letters. */
function redactPath(path: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(path) ? redactUrl(path).replace(/[?#].*$/s, "") : path;
}

/** As in Core, an empty object means no template; as YAML, comments and a null do, too. */
function isNonEmptyTemplate(value: unknown): value is JsonObject | string {
  if (typeof value !== "string") return isObject(value) && Object.keys(value).length > 0;
  return !/^\s*(?:\{\s*\}|null|~)?\s*$/.test(value.replaceAll(/^\s*#.*$/gm, ""));
}
