// A rendered Job as YAML or JSON; --explain adds the source of each field.

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { ExplainedJob } from "../../../prefect1/build/explain.ts";
import { childPath } from "../../../prefect1/build/field-source.ts";
import type { TemplateOrigin } from "../../../prefect1/build/template.ts";
import { oneLine } from "../../../output/clean.ts";
import { objectText } from "../../../output/object-text.ts";
import type { FlowRun } from "../../../prefect1/flow-run.ts";

export interface Rendering extends ExplainedJob {
  readonly flowRun: Pick<FlowRun, "id" | "name">;
  readonly template: TemplateOrigin;
}

/** The last column in which comments are aligned; after longer lines they follow directly. */
const MAX_COMMENT_COLUMN = 72;

/** The Job. --explain adds comments to YAML, so that it can still be applied; in JSON it adds a list of fields. */
export function printRendering(
  rendering: Rendering,
  options: { readonly format: "yaml" | "json"; readonly explain: boolean },
): string {
  const { job, fields, flowRun, template } = rendering;
  if (!options.explain) return objectText(job, options.format);
  if (options.format === "yaml") return explainedYaml(rendering);
  return objectText({ flowRun: flowRun.id, template: templateName(template), job, fields }, "json");
}

function explainedYaml({ job, fields, flowRun, template }: Rendering): string {
  const text = objectText(job, "yaml");
  const lines = text.trimEnd().split("\n");
  const lineOf = linesOfValues(text);
  const comments = new Map(fields.map(({ path, source }) => [lineOf.get(path), source]));
  const longest = Math.max(...[...comments.keys()].map((line) => (lines[line ?? 0] ?? "").length));
  const column = Math.min(MAX_COMMENT_COLUMN, longest);
  const explained = lines.map((line, at) => {
    const source = comments.get(at);
    return source === undefined ? line : `${line.padEnd(column)}  # ${source}`;
  });
  const name = flowRun.name === null ? "" : `${oneLine(flowRun.name)} `;
  return [
    `# Flow run ${name}(${flowRun.id}), template: ${templateName(template)}`,
    "# Where each value comes from: run config, template, agent option (or configuration), default,",
    "# or forced: set by the agent, cannot be overridden.",
    ...explained,
    "",
  ].join("\n");
}

/** The line of each value, from 0, by its path as explainJob writes it. */
function linesOfValues(text: string): ReadonlyMap<string, number> {
  const counter = new LineCounter();
  const found = new Map<string, number>();
  const visit = (node: unknown, path: string): void => {
    if (isMap(node) && node.items.length > 0) {
      for (const { key, value } of node.items)
        visit(value, childPath(path, String(isScalar(key) ? key.value : key)));
    } else if (isSeq(node) && node.items.length > 0) {
      for (const [at, item] of node.items.entries()) visit(item, childPath(path, at));
    } else if (isScalar(node) || isMap(node) || isSeq(node)) {
      found.set(path, counter.linePos(node.range?.[0] ?? 0).line - 1);
    }
  };
  visit(parseDocument(text, { lineCounter: counter }).contents, "");
  return found;
}

function templateName({ from, name }: TemplateOrigin): string {
  if (from === "default") return "default";
  return from === "agent" ? `${name} (of the agent)` : name;
}
