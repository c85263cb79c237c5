// The last two lines of .ci/run: what was not run, and how many tests passed and failed.
// Arguments: the folder with the reports of the test runs, and what was left out as a whole.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [folder = ".", ...leftOut] = process.argv.slice(2);
let passed = 0;
let failed = 0;
const skipped = new Map();

for (const name of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
  const run = JSON.parse(readFileSync(join(folder, name), "utf8"));
  passed += run.numPassedTests;
  failed += run.numFailedTests;
  for (const { status, assertionResults } of run.testResults) {
    // A file that cannot be loaded, or whose hooks fail, counts as one failed test.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) failed += 1;
    for (const { status: state, ancestorTitles, title } of assertionResults) {
      if (state !== "skipped" && state !== "pending") continue;
      const suite = ancestorTitles[0] ?? title;
      skipped.set(suite, (skipped.get(suite) ?? 0) + 1);
    }
  }
}

const notRun = [...leftOut, ...[...skipped].map(([suite, count]) => `${count} of "${suite}"`)];
console.log(`Not run: ${notRun.length === 0 ? "nothing" : notRun.join("; ")}.`);
console.log(`${passed} passed, ${failed} failed`);
