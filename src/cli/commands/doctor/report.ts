// The report of `doctor`: findings by section as lines for people, or as one object.

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
  permissions: "Permissions",
  prefect: "Prefect",
  "flow runs": "Flow runs",
  leftovers: "Leftovers",
};
const STATUS_WIDTH = "warning".length;
const GAP = "  ";

/** `width` is the terminal's; undefined in a pipe, where each finding is one line. */
export interface ReportStyle {
  readonly palette: Palette;
  readonly width: number | undefined;
}

/** The report; the summary is the last line. */
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

/** The report for programs. Its fields are a stable API. */
export function reportObject(findings: readonly Finding[]): JsonObject {
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "DoctorReport",
    status: worst(findings),
    summary: countsOf(findings),
    findings: findings.map(({ section, subject, check, status, message, hint, details, data }) => ({
      section,
      ...(subject === undefined ? {} : { subject }),
      check,
      status,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
      ...(data === undefined ? {} : { data }),
    })),
  };
}

function titleOf({ section, subject }: Finding): string {
  if (subject === undefined) return TITLES[section];
  return subject === "you" ? "Your permissions" : `Permissions of ${subject}`;
}

/** Consecutive findings with the same hint show it once, under the last of them. */
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
  const { status, check, message, hint, details = [] } = finding;
  const under = GAP.length + STATUS_WIDTH + GAP.length;
  const beside = under + checkWidth + GAP.length;
  const shown = `${palette[TONES[status]](status)}${" ".repeat(STATUS_WIDTH - status.length)}`;
  const [first = "", ...rest] = wrappedLines(message, beside, width);
  const more = details.flatMap((line) => wrappedLines(line, under, width));
  const hintLines = hint === undefined ? [] : wrappedLines(`hint: ${hint}`, under, width);
  return [
    `${GAP}${shown}${GAP}${check.padEnd(checkWidth)}${GAP}${first.trimStart()}`,
    ...rest,
    ...more.map(palette.quiet),
    ...hintLines,
  ];
}

/** The text wrapped to the terminal's width and indented; control characters are escaped. */
function wrappedLines(text: string, indent: number, width: number | undefined): readonly string[] {
  const clean = asCell(text.replaceAll(/\s*[\n\r]+\s*/g, " "));
  // On a very narrow terminal let the terminal wrap the line.
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
