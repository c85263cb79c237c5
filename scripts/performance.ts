// `npm run performance -- figures.json`: docs/performance.md, made of what `npm run bench -- -o figures.json` measured. Without a file
// the page says how to make it.

import { readFile, writeFile } from "node:fs/promises";
import { ExpectedError, textOf } from "../src/base/errors.ts";
import { performancePage } from "./performance/page.ts";
import type { BenchReport } from "./performance/page.ts";
import { projectPath, runScript } from "./project.ts";

export const PERFORMANCE_DOC = projectPath("docs", "performance.md");

/** What the bench has written. Throws ExpectedError if the file cannot be read. */
async function readReport(path: string): Promise<BenchReport> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as BenchReport;
  } catch (cause) {
    throw new ExpectedError(`cannot read "${path}": ${textOf(cause)}`, {
      cause,
      hint: `make it with npm run bench -- -o ${path}`,
    });
  }
}

if (import.meta.main)
  await runScript(async () => {
    const [path] = process.argv.slice(2);
    const report = path === undefined ? undefined : await readReport(path);
    await writeFile(PERFORMANCE_DOC, performancePage(report));
  });
