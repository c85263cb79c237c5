// The agent's image, packed from the built program and made known to the cluster. The one place that knows how such an
// image gets there: E2E_IMAGE_LOAD is a command that is called with the path of an OCI archive.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const NAME = "ghcr.io/kubectl-prefect/kubectl-prefect:e2e";

/** Why there can be no such image here, or undefined. */
export function whyNoAgentImage(): string | undefined {
  return process.env["E2E_IMAGE_LOAD"]
    ? undefined
    : "E2E_IMAGE_LOAD does not name a command that loads an OCI archive into the cluster";
}

/** Packs the image and loads it; answers its name. Throws what a command says when it fails. */
export function loadAgentImage(): string {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-prefect-image-"));
  try {
    const archive = join(folder, "image.tar");
    must("npm", ["run", "image", "--", "--name", NAME, "--output", archive]);
    must("sh", ["-c", `${process.env["E2E_IMAGE_LOAD"] ?? "false"} "$0"`, archive]);
    return NAME;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd: PROJECT, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}
