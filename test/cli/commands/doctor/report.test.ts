// The report of `doctor` as people see it.

import { describe, expect, it } from "vitest";
import { reportLines } from "../../../../src/cli/commands/doctor/report.ts";
import type { Finding } from "../../../../src/doctor/finding.ts";
import { colourFor, plainPalette } from "../../../../src/output/palette.ts";

const FINDINGS: readonly Finding[] = [
  { section: "kubernetes", check: "API server", status: "ok", message: "answers" },
  { section: "kubernetes", check: "clock", status: "warning", message: "is behind", hint: "set it" },
  {
    section: "permissions",
    subject: "you",
    check: "launching",
    status: "broken",
    message: "may not a",
    hint: "grant",
  },
  {
    section: "permissions",
    subject: "you",
    check: "cleanup",
    status: "broken",
    message: "may not b",
    hint: "grant",
  },
  {
    section: "permissions",
    subject: "ServiceAccount a/b",
    check: "logs",
    status: "skipped",
    message: "not asked",
  },
  { section: "leftovers", check: "leftovers", status: "ok", message: "none", details: ["one", "two"] },
];

describe("the report", () => {
  it("has a line for each finding, its columns aligned in each section, and a hint once", () => {
    expect(reportLines(FINDINGS, { palette: plainPalette, width: undefined })).toEqual([
      "Kubernetes",
      "  ok       API server  answers",
      "  warning  clock       is behind",
      "           hint: set it",
      "",
      "Your permissions",
      "  broken   launching  may not a",
      "  broken   cleanup    may not b",
      "           hint: grant",
      "",
      "Permissions of ServiceAccount a/b",
      "  skipped  logs  not asked",
      "",
      "Leftovers",
      "  ok       leftovers  none",
      "           one",
      "           two",
      "",
      "2 broken, 1 warning, 2 ok, 1 skipped",
    ]);
  });

  it("wraps to the terminal's width unless it is too narrow", () => {
    const message = "one two three four five six seven eight nine ten eleven twelve";
    const one: readonly Finding[] = [{ section: "prefect", check: "API", status: "ok", message }];
    const lines = (width: number): readonly string[] => reportLines(one, { palette: plainPalette, width });
    expect(lines(50).slice(1, 4)).toEqual([
      "  ok       API  one two three four five six seven",
      "                eight nine ten eleven twelve",
      "",
    ]);
    expect(lines(30)[1]).toBe(`  ok       API  ${message}`);
  });

  it("colours only the statuses", () => {
    const palette = colourFor("always", {}, {});
    const [title, ok] = reportLines(FINDINGS, { palette, width: undefined });
    expect(title).toBe("\u001B[1mKubernetes\u001B[22m");
    expect(ok).toBe("  \u001B[32mok\u001B[39m       API server  answers");
  });

  it("escapes control characters and line breaks", () => {
    const message = "a\u001B[2Jb\nc";
    const lines = reportLines([{ section: "prefect", check: "API", status: "ok", message }], {
      palette: plainPalette,
      width: undefined,
    });
    expect(lines[1]).toBe("  ok       API  a^[[2Jb c");
  });
});
