// `npm run build`: builds the executable for this machine, dist/kubectl-prefect.
// --entry FILE and --output FILE change the program and the output file.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExpectedError } from "../src/base/errors.ts";
import { bundle } from "./binary/bundle.ts";
import { writeNotices } from "./binary/notices.ts";
import { makeExecutable } from "./binary/sea.ts";
import type { Platform } from "./binary/sea.ts";
import { projectPath, readProject, requireNode, runScript } from "./project.ts";

/** The current platform. Throws if it is not supported. */
function thisPlatform(): Platform {
  const { platform } = process;
  if (platform === "linux" || platform === "darwin" || platform === "win32") return platform;
  throw new ExpectedError(`cannot build on "${platform}": only on linux, darwin and win32`);
}

await runScript(async () => {
  const { values } = parseArgs({ options: { entry: { type: "string" }, output: { type: "string" } } });
  requireNode(await readProject());
  const platform = thisPlatform();
  const name = platform === "win32" ? "kubectl-prefect.exe" : "kubectl-prefect";
  const output = resolve(values.output ?? projectPath("dist", name));
  await mkdir(dirname(output), { recursive: true });
  const program = await bundle(resolve(values.entry ?? projectPath("src/main.ts")));
  await makeExecutable(program, {
    node: await readFile(process.execPath),
    platform,
    codeCache: true,
    output,
  });
  await writeFile(projectPath("dist", "THIRD-PARTY-NOTICES"), await writeNotices(program.inputs));
  const bytes = [...program.chunks.values()].reduce((sum, source) => sum + source.length, 0);
  console.log(`${output}: ${program.chunks.size} chunks, ${Math.round(bytes / 1024)} KiB of JavaScript`);
});
