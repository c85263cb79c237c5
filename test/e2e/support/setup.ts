// Before all end-to-end tests: checks that the cluster answers, builds dist/kubectl-prefect if it is missing or outdated, and puts
// it on the PATH.

import { delimiter } from "node:path";
import { projectPath } from "../../../scripts/project.ts";
import { buildIfOld } from "./build.ts";
import { kubectl } from "./kubectl.ts";

const USAGE = "KUBECONFIG=~/.kube/config npm run e2e, or get a cluster first with: kind create cluster";

/** vitest calls it once; the test processes inherit the PATH. Throws if the tests cannot run. */
export default function setup(): void {
  if (!process.env["KUBECONFIG"]) throw new Error(`KUBECONFIG does not name a cluster: ${USAGE}`);
  const version = kubectl(["version", "-o", "json"]);
  if (version.code !== 0)
    throw new Error(`the cluster of KUBECONFIG does not answer: ${version.stderr.trim()}`);
  buildIfOld("kubectl-prefect", "build");
  process.env["PATH"] = [projectPath("dist"), process.env["PATH"]].join(delimiter);
  const plugin = kubectl(["prefect", "version"]);
  if (plugin.code !== 0) throw new Error(`kubectl prefect does not start: ${plugin.stderr.trim()}`);
}
