// The job template, read once: nulls are gone, what the builder relies on is checked, and it is never changed.

import { isObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { readRunConfig } from "./run-config.ts";
import { templateProblem } from "./template-check.ts";
import { JobError } from "../../job/errors.ts";
import { SettingsError } from "../../base/errors.ts";
import type { ExpectedError } from "../../base/errors.ts";

/** Whose template it is: the run config's beats the agent's service account and pull secrets, the others do not. */
export type TemplateOwner = "run config" | "agent" | "default";

export interface TemplateOrigin {
  readonly from: TemplateOwner;
  /** Path, address, or what else tells a person which template is meant. */
  readonly name: string;
}

/** Where the template of a flow run is to be had. */
export type TemplateSource =
  | { readonly kind: "inline"; readonly value: JsonObject | string; readonly origin: TemplateOrigin }
  | { readonly kind: "path"; readonly path: string; readonly origin: TemplateOrigin }
  | { readonly kind: "default" };

/** Pod fields which the agent fills in, unless the run config's template mentions them, be it as null. */
export type OverridableField = "serviceAccountName" | "imagePullSecrets";

/** A template that can become a Job. */
export interface Template {
  readonly origin: TemplateOrigin;
  /** Without nulls, with an object at `spec.template.spec`. */
  readonly body: JsonObject;
  readonly mentions: Readonly<Record<OverridableField, boolean>>;
}

/** Which template a flow run uses: its run config's own, the one that the run config names, the agent's, the default. */
export function templateSourceOf(
  flowRun: Pick<FlowRun, "id" | "run_config">,
  agentTemplate: TemplateSource | undefined,
): TemplateSource {
  const { jobTemplate, jobTemplatePath } = readRunConfig(flowRun);
  const from = "run config" as const;
  if (isGiven(jobTemplate)) {
    const name = `job_template of flow run ${flowRun.id}`;
    return { kind: "inline", value: jobTemplate, origin: { from, name } };
  }
  if (jobTemplatePath !== null && jobTemplatePath !== "") {
    return { kind: "path", path: jobTemplatePath, origin: { from, name: shownPath(jobTemplatePath) } };
  }
  return agentTemplate ?? { kind: "default" };
}

/** The agent's `--job-template`. */
export function agentTemplateSource(path: string): TemplateSource {
  return { kind: "path", path, origin: { from: "agent", name: shownPath(path) } };
}

/** A value as template. Throws, with the field's path, when no Job can be made of it. */
export function templateOf(value: unknown, origin: TemplateOrigin): Template {
  const body = withoutNulls(value);
  const problem = templateProblem(body);
  if (problem !== undefined || !isObject(body)) throw templateError(origin, problem ?? "it is not an object");
  const podSpec = at(value, "spec", "template", "spec");
  const mentions = (field: OverridableField): boolean => isObject(podSpec) && Object.hasOwn(podSpec, field);
  return {
    origin,
    body,
    mentions: {
      serviceAccountName: mentions("serviceAccountName"),
      imagePullSecrets: mentions("imagePullSecrets"),
    },
  };
}

const CORE_TEMPLATE = {
  apiVersion: "batch/v1",
  kind: "Job",
  spec: { template: { spec: { containers: [{ name: "flow" }] } } },
};
let standard: Template | undefined;

/** Core's own template since 0.14.0: one container by the name of `flow`, nothing else. */
export function defaultTemplate(): Template {
  standard ??= templateOf(CORE_TEMPLATE, { from: "default", name: "default" });
  return standard;
}

/** The agent's own template is a matter of settings, a run config's is its owner's. */
export function templateError(
  origin: TemplateOrigin,
  cause: string,
  details: {
    readonly hint?: string | undefined;
    readonly cause?: unknown;
    readonly retryable?: boolean;
  } = {},
): ExpectedError {
  const message = `cannot use job template "${origin.name}": ${cause}`;
  return origin.from === "run config" ? new JobError(message, details) : new SettingsError(message, details);
}

/** An address without user, password and query, where keys may stand. */
function shownPath(path: string): string {
  return path.replace(/^(https?:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, "$1$2");
}

/** An empty object is no template, as in Core; also as YAML text. */
function isGiven(value: unknown): value is JsonObject | string {
  if (typeof value === "string") return !/^\s*\{\s*\}\s*$/.test(value);
  return isObject(value) && Object.keys(value).length > 0;
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((node: unknown, key) => (isObject(node) ? node[key] : undefined), value);
}

/** A copy in which every null counts as absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null && child !== undefined);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutNulls(child)]));
}
