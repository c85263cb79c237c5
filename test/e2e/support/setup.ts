// Before any end-to-end test: a cluster is named, dist/kubectl-prefect is built and no older than its sources, and kubectl
// finds it as its plugin.

import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { kubectl } from "./kubectl.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const BINARY = join(PROJECT, "dist", "kubectl-prefect");
/** All that goes into the executable. */
const SOURCES = ["src", "scripts", "package.json", "package-lock.json"];
const HOW = "KUBECONFIG=~/.kube/config npm run e2e, or get a cluster first with: kind create cluster";

/** vitest calls it once; the tests' processes inherit the PATH that it leaves. Throws what keeps the tests from running. */
export default function setup(): void {
  if (!process.env["KUBECONFIG"]) throw new Error(`KUBECONFIG does not name a cluster: ${HOW}`);
  const asked = kubectl(["version", "-o", "json"]);
  if (asked.code !== 0) throw new Error(`the cluster of KUBECONFIG does not answer: ${asked.stderr.trim()}`);
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
