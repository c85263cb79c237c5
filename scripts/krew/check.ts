// Checks a filled manifest and the archives it names, before the world downloads them.

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { ExpectedError } from "../../src/base/errors.ts";
import { archiveProblems } from "./archive-rules.ts";
import { readPlugin } from "./plugin.ts";
import { manifestProblems } from "./rules.ts";

/** Throws with every problem, one a line. The archives lie in the folder under the last part of their uri. */
export async function checkKrew(manifestPath: string, archiveFolder: string): Promise<void> {
  const plugin = readPlugin(parse(await readFile(manifestPath, "utf8")));
  const problems = [...manifestProblems(plugin, basename(manifestPath, ".yaml"))];
  for (const platform of plugin.platforms) {
    const name = basename(platform.uri);
    const archive = await readFile(join(archiveFolder, name)).catch(() => undefined);
    const found = archive === undefined ? ["it is not in the folder"] : archiveProblems(platform, archive);
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  if (problems.length === 0) return;
  const list = problems.map((problem) => `\n  ${problem}`).join("");
  throw new ExpectedError(`cannot release "${manifestPath}": krew would refuse it${list}`);
}
