// What `npm run release` and `npm run image` made.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { untar } from "../../scripts/archive/tar.ts";
import type { TarEntry } from "../../scripts/archive/tar.ts";
import { projectPath, readProject } from "../../scripts/project.ts";
import { archiveName, executableName, targets } from "../../scripts/release/targets.ts";
import type { Target } from "../../scripts/release/targets.ts";

export const { version, nodeVersion } = await readProject();
export const folder = projectPath("dist", "release");
/** This machine's own. */
export const native = targets.find(
  ({ platform, nodeArch }) => platform === process.platform && nodeArch === process.arch,
);

export function archivePath(target: Target): string {
  return join(folder, archiveName(target.name, version));
}

export function entriesOf(target: Target): Promise<readonly TarEntry[]> {
  return untar(gunzipSync(readFileSync(archivePath(target))));
}

export async function executableOf(target: Target): Promise<Buffer> {
  const entries = await entriesOf(target);
  return Buffer.from(entries.find(({ path }) => path === executableName(target.platform))?.content ?? "");
}

/** A program that is one of these, whichever is installed. */
export function installed(...names: readonly string[]): string | undefined {
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}
