// The report of `doctor` for people: the problems first, then the rest by section; the fixes; and the report for programs.

import type { JsonObject } from "../../../base/json.ts";
import { counted, type Finding, type Status } from "../../../doctor/finding.ts";
import { oneLine } from "../../../output/clean.ts";
import type { Paint, Style } from "../../../output/palette.ts";
import { commandLines, wrapped } from "../../../output/wrap.ts";

/** In the order of the report. */
const TONES = { broken: "bad", warning: "stale", skipped: "quiet", ok: "good" } as const;
const STATUSES = Object.keys(TONES) as readonly Status[];
const INDENT = "warning  ".length;

/** `verbose` lists what is ok, too. */
export type ReportStyle = Pick<Style, "paint" | "width"> & { readonly verbose: boolean };

/** What is broken, what needs attention, and what was skipped for a reason that can be mended; then the rest. */
export function reportLines(findings: readonly Finding[], style: ReportStyle): readonly string[] {
  const { paint, verbose } = style;
  const isShown = ({ status, hint }: Finding): boolean =>
    status === "broken" || status === "warning" || (status === "skipped" && hint !== undefined);
  const [shown, rest] = [findings.filter(isShown), findings.filter((each) => !isShown(each))];
  const sorted = STATUSES.flatMap((status) => shown.filter((each) => each.status === status));
  const sections = [...Map.groupBy(rest, ({ section }) => section)].flatMap(([section, group]) => {
    const title = `${section.charAt(0).toUpperCase()}${section.slice(1)}`;
    if (!verbose) return [`${title}: ${countsText(group, paint)}`];
    return [paint("heading", title), ...group.flatMap((each) => findingLines(each, style)), ""];
  });
  return [
    ...withoutRepeatedHelp(sorted).flatMap((each) => findingLines(each, style)),
    ...(sorted.length === 0 ? [] : [""]),
    ...sections,
    ...(verbose ? [] : [""]),
    countsText(findings, paint),
  ];
}

/** The commands that mend what is broken and what needs attention; comments say why. */
export function fixLines(findings: readonly Finding[]): readonly string[] {
  const mended = findings.filter(({ fix }) => fix !== undefined);
  return [...Map.groupBy(mended, ({ fix }) => fix?.join("\n")).values()].flatMap((group) => [
    ...group.map(({ check, message }) => `# ${oneLine(`${check}: ${message}`)}`),
    ...(group[0]?.fix ?? []).map(oneLine),
  ]);
}

/** The report for programs. Its fields are a stable API. */
export function reportObject(findings: readonly Finding[]): JsonObject {
  const summary = Object.fromEntries(STATUSES.map((status) => [status, countOf(findings, status)]));
  const status = (["broken", "warning"] as const).find((each) => countOf(findings, each) > 0) ?? "ok";
  return { apiVersion: "kubectl-prefect/v1", kind: "DoctorReport", status, summary, findings };
}

/** Consecutive findings with the same hint and commands show them once, under the last of them. */
function withoutRepeatedHelp(findings: readonly Finding[]): readonly Finding[] {
  const help = (of: Finding | undefined): string => JSON.stringify([of?.hint, of?.look, of?.fix]);
  return findings.map((finding, at) => {
    if (help(finding) !== help(findings[at + 1])) return finding;
    return { ...finding, hint: undefined, look: undefined, fix: undefined };
  });
}

function findingLines(finding: Finding, { paint, width }: ReportStyle): readonly string[] {
  const { status, check, message, hint, look, fix = [], details = [] } = finding;
  // On a very narrow terminal the terminal wraps it.
  const wrapWidth = width === undefined || width < INDENT + 30 ? undefined : width;
  const lines = (text: string): readonly string[] =>
    wrapWidth === undefined
      ? [" ".repeat(INDENT) + oneLine(text)]
      : wrapped(oneLine(text), INDENT, wrapWidth);
  const [first = "", ...rest] = lines(`${check}: ${message}`);
  const commands = [...(look === undefined ? [] : [look]), ...fix];
  return [
    `${paint(TONES[status], status)}${first.slice(status.length)}`,
    ...rest,
    ...details.flatMap(lines).map((line) => paint("quiet", line)),
    ...(hint === undefined ? [] : lines(`hint: ${hint}`)),
    ...commands.flatMap((command) => commandLines(oneLine(command), INDENT + 2, wrapWidth)),
  ];
}

function countsText(findings: readonly Finding[], paint: Paint): string {
  const parts = STATUSES.flatMap((status) => {
    const count = countOf(findings, status);
    const text = status === "warning" ? counted(count, status) : `${count} ${status}`;
    return count === 0 ? [] : [paint(TONES[status], text)];
  });
  return parts.join(", ");
}

function countOf(findings: readonly Finding[], status: Status): number {
  return findings.filter((finding) => finding.status === status).length;
}
