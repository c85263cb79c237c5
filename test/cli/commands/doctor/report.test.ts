// The report of `doctor` as people see it.

import { describe, expect, it } from "vitest";
import { fixLines, reportLines } from "../../../../src/cli/commands/doctor/report.ts";
import { checkOf, type Finding } from "../../../../src/doctor/finding.ts";
import { colours } from "../../../../src/output/colours.ts";
import { plain } from "../../../../src/output/palette.ts";

const server = checkOf({ section: "kubernetes", check: "API server" });
const jobs = checkOf({ section: "permissions", check: "Jobs", subject: "you" });
const left = checkOf({ section: "leftovers", check: "leftovers" });
const GRANT = { hint: "grant it", fix: ["kubectl prefect install --rbac-only | kubectl apply -f -"] };
const FINDINGS: readonly Finding[] = [
  server.ok("answers", { details: ["one"] }),
  server.skipped("not told"),
  left.warning("3 Jobs", { hint: "see them", look: "kubectl prefect cleanup --dry-run", details: ["a, b"] }),
  jobs.broken("may not create", GRANT),
  jobs.broken("may not delete", GRANT),
];

function report(findings: readonly Finding[], style: { verbose?: boolean; width?: number } = {}) {
  return reportLines(findings, { paint: plain, width: undefined, verbose: false, ...style });
}

const PROBLEMS = [
  "broken   Jobs: may not create",
  "broken   Jobs: may not delete",
  "         hint: grant it",
  "           kubectl prefect install --rbac-only | kubectl apply -f -",
  "warning  leftovers: 3 Jobs",
  "         a, b",
  "         hint: see them",
  "           kubectl prefect cleanup --dry-run",
  "",
];

describe("the report", () => {
  it("has the problems first, a hint once, and counts the rest by section", () => {
    expect(report(FINDINGS)).toEqual([
      ...PROBLEMS,
      "Kubernetes: 1 skipped, 1 ok",
      "",
      "2 broken, 1 warning, 1 skipped, 1 ok",
    ]);
  });

  it("lists the rest when it is verbose", () => {
    expect(report(FINDINGS, { verbose: true })).toEqual([
      ...PROBLEMS,
      "Kubernetes",
      "ok       API server: answers",
      "         one",
      "skipped  API server: not told",
      "",
      "2 broken, 1 warning, 1 skipped, 1 ok",
    ]);
  });

  it("lists what was skipped if something can be done about it", () => {
    const findings = [server.ok("answers"), left.skipped("not asked", { hint: "set --api" })];
    expect(report(findings).slice(0, 2)).toEqual([
      "skipped  leftovers: not asked",
      "         hint: set --api",
    ]);
  });

  it("wraps text by words, and commands so that a shell reads them as one line", () => {
    const look = "kubectl prefect inspect 'a name with blanks' -n flows --context production-cluster";
    const finding = server.broken("one two three four five six seven eight", { hint: "look", look });
    const lines = report([finding], { width: 50 }).slice(0, 6);
    expect(lines).toEqual([
      "broken   API server: one two three four five six",
      "         seven eight",
      "         hint: look",
      String.raw`           kubectl prefect inspect \ `.trimEnd(),
      String.raw`             'a name with blanks' -n flows \ `.trimEnd(),
      "             --context production-cluster",
    ]);
    const [, , , ...command] = lines;
    expect(
      command
        .join("\n")
        .replaceAll(/\\\n +/g, "")
        .trim(),
    ).toBe(look);
  });

  it("leaves lines to a very narrow terminal", () => {
    expect(report([server.broken("x".repeat(40))], { width: 30 })[0]).toHaveLength(61);
  });

  it("colours only the statuses", () => {
    const style = { paint: colours, width: undefined, verbose: false };
    expect(reportLines([server.broken("down")], style)[0]).toBe(
      "\u001B[31mbroken\u001B[39m   API server: down",
    );
  });

  it("escapes control characters and line breaks", () => {
    expect(report([server.broken("a\u001B[2Jb\nc")])[0]).toBe("broken   API server: a^[[2Jb c");
  });
});

describe("the fixes", () => {
  it("are each printed once, after comments that say what they mend", () => {
    expect(fixLines(FINDINGS)).toEqual([
      "# Jobs: may not create",
      "# Jobs: may not delete",
      "kubectl prefect install --rbac-only | kubectl apply -f -",
    ]);
  });

  it("cannot be broken out of by a line break in a message", () => {
    expect(fixLines([server.broken("a\nrm b", { fix: ["true"] })])).toEqual(["# API server: a rm b", "true"]);
  });
});
