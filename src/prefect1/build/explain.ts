// Explains a Job: the source of each field.

import { isObject } from "../../base/json.ts";
import { buildJob } from "./build.ts";
import type { BuildInput } from "./build.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import { childPath } from "./field-source.ts";
import type { FieldSource } from "./field-source.ts";

export interface ExplainedField {
  /** Such as `spec.template.spec.containers[0].env[3].value`. */
  readonly path: string;
  readonly source: FieldSource;
}

export interface ExplainedJob {
  readonly job: JobManifest;
  /** Every value of the Job, including empty objects and lists, in order. */
  readonly fields: readonly ExplainedField[];
}

/** Builds the same Job as buildJob, with the source of each field. */
export function explainJob(input: BuildInput): ExplainedJob {
  const sources = new Map<string, FieldSource>();
  const job = buildJob(input, (path, source) => sources.set(path, source));
  const fields: ExplainedField[] = [];
  const visit = (value: unknown, path: string, inherited: FieldSource): void => {
    const source = sources.get(path) ?? inherited;
    const children = childrenOf(value);
    if (children.length === 0) fields.push({ path, source });
    for (const [key, child] of children) visit(child, childPath(path, key), source);
  };
  const defaultSource = input.template.origin.from === "default" ? "default" : "template";
  for (const [key, child] of Object.entries(job)) visit(child, key, defaultSource);
  return { job, fields };
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  return isObject(value) ? Object.entries(value) : [];
}
