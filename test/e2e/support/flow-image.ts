// The image with the real Prefect 1.4.1 and the flows of test/support/flows. The command in E2E_FLOW_IMAGE builds and loads it;
// its arguments are the flows' folder, NAME:TAG and, for an image with dask-kubernetes, --dask.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const FLOWS = fileURLToPath(new URL("../../support/flows", import.meta.url));
const NAME = "kubectl-prefect/flows:e2e";

/** Why the image cannot be built, or undefined. */
export function noFlowImageReason(): string | undefined {
  return process.env["E2E_FLOW_IMAGE"]
    ? undefined
    : "E2E_FLOW_IMAGE does not name a command that makes Prefect's image";
}

/** Builds and loads the image; returns its name. Throws the stderr of a command that fails. */
export function loadFlowImage({ dask = false }: { readonly dask?: boolean } = {}): string {
  const command = process.env["E2E_FLOW_IMAGE"] ?? "";
  const name = dask ? `${NAME}-dask` : NAME;
  const args = [FLOWS, name, ...(dask ? ["--dask"] : [])];
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
  return name;
}
