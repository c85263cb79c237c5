// The image with the real Prefect 1.4.1 and the flows of test/support/flows. The one place that knows how an image gets
// into the cluster: E2E_FLOW_IMAGE names a command that is called with the flows' folder and NAME:TAG, and with --dask where
// the image must have dask-kubernetes too.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const FLOWS = fileURLToPath(new URL("../../support/flows", import.meta.url));
const NAME = "kubectl-prefect/flows:e2e";

/** Why there can be no such image here, or undefined. */
export function whyNoFlowImage(): string | undefined {
  return process.env["E2E_FLOW_IMAGE"]
    ? undefined
    : "E2E_FLOW_IMAGE does not name a command that makes Prefect's image";
}

/** Makes the image and loads it into the cluster; answers its name. Throws what the command says when it fails. */
export function loadFlowImage({ dask = false }: { readonly dask?: boolean } = {}): string {
  const command = process.env["E2E_FLOW_IMAGE"] ?? "";
  const name = dask ? `${NAME}-dask` : NAME;
  const args = [FLOWS, name, ...(dask ? ["--dask"] : [])];
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
  return name;
}
