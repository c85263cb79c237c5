// The agent's image, built from the executable and loaded into the cluster by the command in E2E_IMAGE_LOAD, which gets the path
// of an OCI archive.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectPath } from "../../../scripts/project.ts";

const NAME = "ghcr.io/kubectl-prefect/kubectl-prefect:e2e";

/** Why the image cannot be loaded, or undefined. */
export function noAgentImageReason(): string | undefined {
  return process.env["E2E_IMAGE_LOAD"]
    ? undefined
    : "E2E_IMAGE_LOAD does not name a command that loads an OCI archive into the cluster";
}

/** Builds and loads the image; returns its name. Throws the stderr of a command that fails. */
export function loadAgentImage(): string {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-prefect-image-"));
  try {
    const archive = join(folder, "image.tar");
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    runOrThrow("npm", ["run", "image", "--", "--name", NAME, "--arch", arch, "--output", archive]);
    runOrThrow("sh", ["-c", `${process.env["E2E_IMAGE_LOAD"] ?? "false"} "$0"`, archive]);
    return NAME;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runOrThrow(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd: projectPath(), encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}
