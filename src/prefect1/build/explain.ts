// Explains a Job: the source of each field.

import { isObject } from "../../base/json.ts";
import { buildJob, type BuildInput } from "./build.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import { childPath, type FieldSource } from "./field-source.ts";

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

/** Builds the same Job as buildJob, with the source of each field: as recorded, else the template if it has the field. */
export function explainJob(input: BuildInput): ExplainedJob {
  const sources = new Map<string, FieldSource>();
  const job = buildJob(input, (path, source) => sources.set(path, source));
  const fields: ExplainedField[] = [];
  const visit = (value: unknown, path: string, { recorded, template }: Origin): void => {
    const source = sources.get(path) ?? recorded;
    const children = childrenOf(value);
    if (children.length === 0)
      fields.push({ path, source: source ?? (template === undefined ? "default" : "template") });
    const ofTemplate = new Map<string | number, unknown>(childrenOf(template));
    for (const [key, child] of children)
      visit(child, childPath(path, key), { recorded: source, template: ofTemplate.get(key) });
  };
  const { origin, body } = input.template;
  visit(job, "", { recorded: undefined, template: origin.from === "default" ? undefined : body });
  return { job, fields };
}

interface Origin {
  /** The source that was recorded for this field, or one above it. */
  readonly recorded: FieldSource | undefined;
  /** What the template has in its place. */
  readonly template: unknown;
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  return isObject(value) ? Object.entries(value) : [];
}
