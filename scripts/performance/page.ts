// docs/performance.md as text. Pure.

import { isMet, rounded } from "../bench/figure.ts";
import type { Measurement } from "../bench/figure.ts";
import { markdownTable } from "../markdown-table.ts";
import { SECTIONS } from "./rows.ts";
import type { Row } from "./rows.ts";

/** What `npm run bench -- -o FILE` writes. */
export interface BenchReport {
  readonly version: string;
  /** ISO 8601. */
  readonly at: string;
  readonly node: string;
  readonly machine: { readonly cpus: readonly string[]; readonly platform: string; readonly arch: string };
  readonly results: readonly Measurement[];
}

const HEADER = ["what", "ours", "beside it", "ratio", "must be", "met"];

/** The page. Without a report its figures are missing. Figures that SECTIONS does not have stand at the end. */
export function performancePage(report: BenchReport | undefined): string {
  const results = new Map(report?.results.map((each) => [each.name, each]));
  const known = new Set(SECTIONS.flatMap(({ rows }) => rows.map(({ measurement }) => measurement)));
  const others = [...results.keys()].filter((name) => !known.has(name));
  const more = { title: "Others", rows: others.map((name) => ({ measurement: name, what: name })) };
  const sections = [...SECTIONS, ...(others.length === 0 ? [] : [more])];
  return [
    "<!-- npm run performance makes this page -->\n\n# Performance",
    `\`npm run bench\` measures each figure beside what stands in the same row, alternating with it in one run: a ratio means the same on a busy
machine, a time does not. [development.md](development.md#benchmarks) says how each is measured.`,
    "```sh\nnpm run bench -- -o figures.json\nnpm run performance -- figures.json\n```",
    measuredOn(report),
    ...sections.flatMap(({ title, rows }) => [`## ${title}`, tableOf(rows, results)]),
  ]
    .join("\n\n")
    .concat("\n");
}

function measuredOn(report: BenchReport | undefined): string {
  if (report === undefined)
    return "No run of the bench is recorded yet: the two commands above fill in the figures.";
  const { version, at, node, machine } = report;
  const [model = "an unknown processor"] = machine.cpus;
  const place = `${machine.cpus.length} × ${model.trim()}, ${machine.platform}/${machine.arch}`;
  return `Measured on ${at.slice(0, 10)}: kubectl-prefect ${version} with Node ${node} on ${place}.`;
}

function tableOf(rows: readonly Row[], results: ReadonlyMap<string, Measurement>): string {
  return markdownTable([
    HEADER,
    ...rows.map(({ measurement, what }) => cellsOf(what, results.get(measurement))),
  ]);
}

function cellsOf(what: string, measured: Measurement | undefined): readonly string[] {
  if (measured === undefined) return [what, "not measured", "", "", "", ""];
  const { ours, unit, against, ratio, bound } = measured;
  const limit = bound.of === "ours" ? `${rounded(bound.value)} ${unit}` : `× ${bound.value}`;
  return [
    what,
    `${rounded(ours)} ${unit}`,
    against === undefined ? "" : `${against.what}: ${rounded(against.value)} ${unit}`,
    ratio === undefined ? "" : `× ${rounded(ratio)}`,
    `${bound.side} ${limit}`,
    isMet(measured) ? "yes" : "**no**",
  ];
}
