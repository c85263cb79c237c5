// Why a Job looks as it does: each of its fields with where it came from, told by the builder itself.

import { isObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { assembleJob } from "./build.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import { below } from "./field-source.ts";
import type { FieldSource } from "./field-source.ts";
import type { JobSettings } from "./job-settings.ts";
import type { Template } from "./template.ts";

/** One value of the Job, such as `spec.template.spec.containers[0].env[3].value`. */
export interface ExplainedField {
  readonly path: string;
  readonly source: FieldSource;
}

export interface ExplainedJob {
  readonly job: JobManifest;
  /** Every value of the Job (empty objects and lists too), in its order. */
  readonly fields: readonly ExplainedField[];
}

/** Builds the Job as buildJob does, and says of each field where it came from. */
// oxlint-disable-next-line max-params -- as buildJob
export function explainJob(
  flowRun: FlowRun,
  settings: JobSettings,
  template: Template,
  identifier: string,
): ExplainedJob {
  const told = new Map<string, FieldSource>();
  const job = assembleJob({ flowRun, settings, template, identifier }, (path, source) =>
    told.set(path, source),
  );
  const fields: ExplainedField[] = [];
  const visit = (value: unknown, path: string, inherited: FieldSource): void => {
    const source = told.get(path) ?? inherited;
    const children = childrenOf(value);
    if (children.length === 0) fields.push({ path, source });
    for (const [key, child] of children) visit(child, below(path, key), source);
  };
  const silent: FieldSource = template.origin.from === "default" ? "default" : "template";
  for (const [key, child] of Object.entries(job)) visit(child, key, silent);
  return { job, fields };
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  return isObject(value) ? Object.entries(value) : [];
}
