// The programs of tools/go.mod, built with Go.

import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** Why they cannot be built, or undefined. */
export function noGoReason(): string | undefined {
  return spawnSync("go", ["version"]).status === 0 ? undefined : "go is not on the PATH";
}

/** Builds them into this folder; Go's module proxy is asked for what its cache lacks. */
export async function buildTools(folder: string): Promise<void> {
  const env = { ...process.env, GOBIN: folder, GOFLAGS: "", GOWORK: "off" };
  await promisify(execFile)("go", ["install", "tool"], { cwd: join(import.meta.dirname, "tools"), env });
}
