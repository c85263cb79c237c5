// `npm run build`: builds the executable for this machine, dist/kubectl-prefect.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { ExpectedError } from "../src/base/errors.ts";
import { bundle } from "./binary/bundle.ts";
import { bundledPackages, formatNotices } from "./binary/notices.ts";
import { makeExecutable } from "./binary/sea.ts";
import type { Platform } from "./binary/sea.ts";
import { projectPath, readProject, requireNode, runScript } from "./project.ts";
import { executableName } from "./release/targets.ts";

/** The current platform. Throws if it is not supported. */
function thisPlatform(): Platform {
  const { platform } = process;
  if (platform === "linux" || platform === "darwin" || platform === "win32") return platform;
  throw new ExpectedError(`cannot build on "${platform}": only on linux, darwin and win32`);
}

await runScript(async () => {
  requireNode(await readProject());
  const platform = thisPlatform();
  const program = await bundle(projectPath("src/main.ts"));
  const node = await readFile(process.execPath);
  const executable = await makeExecutable(program, { node, platform, codeCache: true });
  await mkdir(projectPath("dist"), { recursive: true });
  const notices = formatNotices(await bundledPackages(program.inputs));
  await writeFile(projectPath("dist", "THIRD-PARTY-NOTICES"), notices);
  const output = projectPath("dist", executableName(platform));
  // A file that runs cannot be overwritten, but removed.
  await rm(output, { force: true });
  await writeFile(output, executable, { mode: 0o755 });
  const bytes = [...program.chunks.values()].reduce((sum, source) => sum + source.length, 0);
  console.log(`${output}: ${program.chunks.size} chunks, ${Math.round(bytes / 1024)} KiB of JavaScript`);
});
