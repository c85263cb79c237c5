// The last lines of .ci/run.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectPath } from "../scripts/project.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "summary-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function report(
  name: string,
  counts: readonly [passed: number, failed: number],
  testResults: object[],
): void {
  const [numPassedTests, numFailedTests] = counts;
  writeFileSync(join(folder, name), JSON.stringify({ numPassedTests, numFailedTests, testResults }));
}

function summary(...leftOut: readonly string[]): readonly string[] {
  const args = [projectPath(".ci", "summary.mjs"), folder, ...leftOut];
  return spawnSync(process.execPath, args, { encoding: "utf8" }).stdout.trim().split("\n");
}

function test(status: string, suite: string): object {
  return { status, ancestorTitles: [suite, "inner"], title: "works" };
}

describe("the summary", () => {
  it("adds up the tests of all runs", () => {
    report("fast.json", [3, 1], [{ status: "failed", assertionResults: [test("failed", "a")] }]);
    report("chaos.json", [4, 0], []);
    expect(summary()).toEqual(["Not run: nothing.", "7 passed, 1 failed"]);
  });

  it("counts a file that cannot be loaded as one failed test", () => {
    report("fast.json", [3, 0], [{ status: "failed", assertionResults: [] }]);
    expect(summary()[1]).toBe("3 passed, 1 failed");
  });

  it("names in one line what was left out, and which suites skipped how many tests", () => {
    const assertionResults = [test("skipped", "a"), test("pending", "a"), test("passed", "b")];
    report("e2e.json", [1, 0], [{ status: "passed", assertionResults }]);
    expect(summary("Kubernetes 1.20")[0]).toBe('Not run: Kubernetes 1.20; 2 of "a".');
  });
});
