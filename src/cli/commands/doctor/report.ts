// What `doctor` prints: findings by section as lines for people, or as one object.

import type { JsonObject } from "../../../base/json.ts";
import type { Finding, Section, Status } from "../../../doctor/finding.ts";
import { counted, worst } from "../../../doctor/finding.ts";
import type { Palette, Tone } from "../../../output/palette.ts";
import { asCell } from "../../../output/text-width.ts";
import { wrapped } from "../../../output/wrap.ts";

const TONES: Readonly<Record<Status, Tone>> = {
  ok: "good",
  warning: "stale",
  broken: "bad",
  skipped: "quiet",
};
const TITLES: Readonly<Record<Section, string>> = {
  configuration: "Configuration",
  kubernetes: "Kubernetes",
  rights: "Rights",
  prefect: "Prefect",
  "flow runs": "Flow runs",
  leftovers: "Leftovers",
};
const STATUS_WIDTH = "warning".length;
const GAP = "  ";

/** How lines look: `width` is the terminal's, undefined in a pipe, where each finding keeps to one line. */
export interface ReportStyle {
  readonly palette: Palette;
  readonly width: number | undefined;
}

/** The whole report, its summary last. */
export function reportLines(findings: readonly Finding[], style: ReportStyle): readonly string[] {
  const groups = [...Map.groupBy(findings, titleOf)];
  return [
    ...groups.flatMap(([title, group]) => [
      style.palette.heading(title),
      ...withoutRepeatedHints(group).flatMap((finding, _, all) => findingLines(finding, widest(all), style)),
      "",
    ]),
    summaryLine(findings, style.palette),
  ];
}

/** The report for programs. Its fields are a contract. */
export function reportObject(findings: readonly Finding[]): JsonObject {
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "CheckUp",
    status: worst(findings),
    summary: countsOf(findings),
    findings: findings.map(({ section, subject, check, status, message: says, hint, details, data }) => ({
      section,
      ...(subject === undefined ? {} : { subject }),
      check,
      status,
      message: says,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
      ...(data === undefined ? {} : { data }),
    })),
  };
}

function titleOf({ section, subject }: Finding): string {
  if (subject === undefined) return TITLES[section];
  return subject === "you" ? "Your rights" : `Rights of ${subject}`;
}

/** Findings that follow each other and want the same done say it once, under the last of them. */
function withoutRepeatedHints(group: readonly Finding[]): readonly Finding[] {
  return group.map((finding, at) =>
    finding.hint !== undefined && finding.hint === group[at + 1]?.hint
      ? { ...finding, hint: undefined }
      : finding,
  );
}

function widest(group: readonly Finding[]): number {
  return Math.max(0, ...group.map(({ check }) => check.length));
}

function findingLines(
  finding: Finding,
  checkWidth: number,
  { palette, width }: ReportStyle,
): readonly string[] {
  const { status, check, message: says, hint, details = [] } = finding;
  const under = GAP.length + STATUS_WIDTH + GAP.length;
  const beside = under + checkWidth + GAP.length;
  const shown = `${palette[TONES[status]](status)}${" ".repeat(STATUS_WIDTH - status.length)}`;
  const [first = "", ...rest] = laid(says, beside, width);
  const more = details.flatMap((line) => laid(line, under, width));
  const todo = hint === undefined ? [] : laid(`hint: ${hint}`, under, width);
  return [
    `${GAP}${shown}${GAP}${check.padEnd(checkWidth)}${GAP}${first.trimStart()}`,
    ...rest,
    ...more.map(palette.quiet),
    ...todo,
  ];
}

/** The text in lines of the terminal's width, each after so many blanks. Nothing in it can steer the terminal. */
function laid(text: string, indent: number, width: number | undefined): readonly string[] {
  const clean = asCell(text.replaceAll(/\s*[\n\r]+\s*/g, " "));
  // Too narrow to be worth it: the terminal breaks the line itself.
  if (width === undefined || width < indent + 30) return [" ".repeat(indent) + clean];
  return wrapped(clean, indent, width);
}

function summaryLine(findings: readonly Finding[], palette: Palette): string {
  const { ok, warning, broken, skipped } = countsOf(findings);
  const parts = [
    ...(broken === 0 ? [] : [palette.bad(`${broken} broken`)]),
    ...(warning === 0 ? [] : [palette.stale(counted(warning, "warning"))]),
    palette.good(`${ok} ok`),
    ...(skipped === 0 ? [] : [palette.quiet(`${skipped} skipped`)]),
  ];
  return parts.join(", ");
}

function countsOf(findings: readonly Finding[]): Readonly<Record<Status, number>> {
  const count = (status: Status): number => findings.filter((finding) => finding.status === status).length;
  return { ok: count("ok"), warning: count("warning"), broken: count("broken"), skipped: count("skipped") };
}
