// Builds what a test needs, unless it is newer than its sources.

import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { projectPath } from "../../../scripts/project.ts";

/** What everything in dist is built from. */
const SOURCES = ["src", "scripts", "package.json", "package-lock.json", "krew-manifest.yaml"];

/** Runs the npm script that makes this file of dist, if the file is missing or older than a source. Throws its stderr. */
export function buildIfOld(file: string, script: string): void {
  const builtMs = statSync(projectPath("dist", file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (SOURCES.every((source) => newestMs(projectPath(source)) <= builtMs)) return;
  const { status, stderr } = spawnSync("npm", ["run", script], { cwd: projectPath(), encoding: "utf8" });
  if (status !== 0) throw new Error(`npm run ${script} failed: ${stderr.trim()}`);
}

function newestMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
