// A rendered Job as text: YAML or JSON, and with --explain where each of its fields comes from.

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { ExplainedJob } from "../../../prefect1/build/explain.ts";
import { below } from "../../../prefect1/build/field-source.ts";
import type { TemplateOrigin } from "../../../prefect1/build/template.ts";
import { toYaml } from "../../../output/yaml.ts";
import type { FlowRun } from "../../../prefect1/flow-run.ts";

export interface Rendering extends ExplainedJob {
  readonly flowRun: Pick<FlowRun, "id" | "name">;
  readonly template: TemplateOrigin;
}

/** Lines longer than this have their comment right behind them. */
const COMMENT_COLUMN_MOST = 72;

/** The Job. Explained YAML has a comment on each line, so that it can still be applied; JSON has a list beside the Job. */
export function printRendering(
  rendering: Rendering,
  how: { readonly format: "yaml" | "json"; readonly explain: boolean },
): string {
  const { job, fields, flowRun, template } = rendering;
  if (how.format === "yaml") return how.explain ? explainedYaml(rendering) : toYaml(job);
  const answer = how.explain ? { flowRun: flowRun.id, template: templateName(template), job, fields } : job;
  return `${JSON.stringify(answer, null, 4)}\n`;
}

function explainedYaml({ job, fields, flowRun, template }: Rendering): string {
  const text = toYaml(job);
  const lines = text.trimEnd().split("\n");
  const lineOf = linesOfValues(text);
  const comments = new Map(fields.map(({ path, source }) => [lineOf.get(path), source]));
  const longest = Math.max(...[...comments.keys()].map((line) => (lines[line ?? 0] ?? "").length));
  const column = Math.min(COMMENT_COLUMN_MOST, longest);
  const explained = lines.map((line, at) => {
    const source = comments.get(at);
    return source === undefined ? line : `${line.padEnd(column)}  # ${source}`;
  });
  const name = flowRun.name === null ? "" : `${flowRun.name} `;
  return [
    `# Flow run ${name}(${flowRun.id}), template: ${templateName(template)}`,
    "# Where each value comes from: run config, template, agent option (or configuration), default,",
    "# or forced: the agent's own, which nothing replaces.",
    ...explained,
    "",
  ].join("\n");
}

/** On which line, from 0, each value stands; its path as explainJob writes it. */
function linesOfValues(text: string): ReadonlyMap<string, number> {
  const counter = new LineCounter();
  const found = new Map<string, number>();
  const visit = (node: unknown, path: string): void => {
    if (isMap(node) && node.items.length > 0) {
      for (const { key, value } of node.items) visit(value, below(path, keyText(key)));
    } else if (isSeq(node) && node.items.length > 0) {
      for (const [at, item] of node.items.entries()) visit(item, below(path, at));
    } else if (isScalar(node) || isMap(node) || isSeq(node)) {
      found.set(path, counter.linePos(node.range?.[0] ?? 0).line - 1);
    }
  };
  visit(parseDocument(text, { lineCounter: counter }).contents, "");
  return found;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function templateName({ from, name }: TemplateOrigin): string {
  if (from === "default") return "the default one";
  return from === "agent" ? `the agent's, ${name}` : name;
}
