// Kubeconfig files for tests: the cluster of KUBECONFIG with other users.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../../../src/base/json.ts";
import { mustKubectl } from "./kubectl.ts";

/** The current context with its cluster and its user. */
interface CurrentContext {
  readonly clusters: readonly {
    readonly cluster: JsonObject & {
      readonly server: string;
      readonly "certificate-authority-data"?: string;
    };
  }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string | undefined>> }[];
}

/** A folder with kubeconfig files, removed by `remove`. */
export class KubeconfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), "kubectl-prefect-kubeconfig-"));

  /** Writes a file; returns its path. */
  file(name: string, content: string, mode = 0o600): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  /** Writes a kubeconfig with these parts; returns its path. */
  kubeconfig(name: string, parts: { readonly user?: JsonObject; readonly cluster?: JsonObject }): string {
    const context = { name: "e2e", context: { cluster: "e2e", user: "e2e" } };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      ...(parts.cluster && { clusters: [{ name: "e2e", cluster: parts.cluster }] }),
      ...(parts.user && {
        users: [{ name: "e2e", user: parts.user }],
        contexts: [context],
        "current-context": "e2e",
      }),
    };
    return this.file(name, JSON.stringify(config));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** KUBECONFIG's current context, certificates included. */
export function currentContext(): CurrentContext {
  const view = mustKubectl(["config", "view", "--minify", "--raw", "--flatten", "-o", "json"]);
  return JSON.parse(view) as CurrentContext;
}

export function currentCluster(): JsonObject {
  return currentContext().clusters[0]?.cluster ?? {};
}

/** Whether KUBECONFIG has a context of this name. */
export function hasContext(name: string): boolean {
  return mustKubectl(["config", "get-contexts", "-o", "name"]).split("\n").includes(name);
}

/** A new ServiceAccount's token; `isAdmin` grants every permission in its namespace, otherwise it has none. */
export function tokenOf(name: string, namespace: string, isAdmin: boolean): string {
  mustKubectl(["create", "serviceaccount", name, "-n", namespace]);
  if (isAdmin) {
    const subject = `--serviceaccount=${namespace}:${name}`;
    mustKubectl(["create", "rolebinding", name, "--clusterrole=cluster-admin", subject, "-n", namespace]);
  }
  return mustKubectl(["create", "token", name, "-n", namespace]).trim();
}
