// Checks a filled manifest and its archives before a release.

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { ExpectedError } from "../../src/base/errors.ts";
import { archiveProblems } from "./archive-rules.ts";
import { readPlugin } from "./plugin.ts";
import { manifestProblems } from "./rules.ts";

/** Throws an error that lists every problem. The archives' names in the folder are the last parts of their uris. */
export async function checkKrew(manifestPath: string, archiveFolder: string): Promise<void> {
  const plugin = readPlugin(parse(await readFile(manifestPath, "utf8")));
  const problems = [...manifestProblems(plugin, basename(manifestPath, ".yaml"))];
  for (const platform of plugin.platforms) {
    const name = basename(platform.uri);
    const archive = await readFile(join(archiveFolder, name)).catch(() => undefined);
    const found =
      archive === undefined ? ["it is not in the folder"] : await archiveProblems(platform, archive);
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  if (problems.length === 0) return;
  const list = problems.map((problem) => `\n  ${problem}`).join("");
  throw new ExpectedError(`cannot release "${manifestPath}": krew would reject it${list}`);
}
