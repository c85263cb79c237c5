// Before all end-to-end tests: checks that the cluster answers, builds dist/kubectl-prefect if it is missing or outdated, and puts
// it on the PATH.

import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { kubectl } from "./kubectl.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const BINARY = join(PROJECT, "dist", "kubectl-prefect");
/** What the executable is built from. */
const SOURCES = ["src", "scripts", "package.json", "package-lock.json"];
const USAGE = "KUBECONFIG=~/.kube/config npm run e2e, or get a cluster first with: kind create cluster";

/** vitest calls it once; the test processes inherit the PATH. Throws if the tests cannot run. */
export default function setup(): void {
  if (!process.env["KUBECONFIG"]) throw new Error(`KUBECONFIG does not name a cluster: ${USAGE}`);
  const version = kubectl(["version", "-o", "json"]);
  if (version.code !== 0)
    throw new Error(`the cluster of KUBECONFIG does not answer: ${version.stderr.trim()}`);
  if (isStale()) build();
  process.env["PATH"] = [join(PROJECT, "dist"), process.env["PATH"]].join(delimiter);
  const plugin = kubectl(["prefect", "version"]);
  if (plugin.code !== 0) throw new Error(`kubectl prefect does not start: ${plugin.stderr.trim()}`);
}

function isStale(): boolean {
  const builtMs = statSync(BINARY, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.some((source) => newestMs(join(PROJECT, source)) > builtMs);
}

function newestMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

function build(): void {
  const { status, stderr } = spawnSync("npm", ["run", "build"], { cwd: PROJECT, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm run build failed: ${stderr.trim()}`);
}
