// The real kubectl, on the cluster of KUBECONFIG.

import { spawnSync } from "node:child_process";
import { assertNoSecretsPrinted } from "../../support/secrets.ts";

/** The result of a command; `code` is null if a signal ended it. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs kubectl. Throws only if it cannot be started, or if our plugin prints a secret. */
export function kubectl(args: readonly string[], input = ""): CommandResult {
  const options = { input, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout, stderr, status, error } = spawnSync("kubectl", args, options);
  if (error !== undefined) throw error;
  if (args.includes("prefect")) assertNoSecretsPrinted({ argv: args, env: process.env }, { stdout, stderr });
  return { stdout, stderr, code: status };
}

/** Returns kubectl's stdout. Throws its stderr if it fails. */
export function mustKubectl(args: readonly string[], input = ""): string {
  const { stdout, stderr, code } = kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The fields of a listed object that tests read. */
export interface Listed {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly phase?: string };
}

/** All objects of a kind in a namespace. */
export function listed(kind: "jobs" | "pods", namespace: string): readonly Listed[] {
  const list = JSON.parse(mustKubectl(["get", kind, "-n", namespace, "-o", "json"])) as { items: Listed[] };
  return list.items;
}

/** The server's minor version, such as 20 for 1.20. Throws if it is unknown. */
export function serverMinor(): number {
  const { serverVersion } = JSON.parse(mustKubectl(["version", "-o", "json"])) as {
    serverVersion: { gitVersion: string };
  };
  // Not the field `minor`, which is empty in a server built outside a git checkout.
  const minor = /^v1\.(\d+)/.exec(serverVersion.gitVersion)?.[1];
  if (minor === undefined) throw new Error(`the server's version is "${serverVersion.gitVersion}"`);
  return Number(minor);
}

/** Since Kubernetes 1.25 a Job counts a deleted pod as failed; before, it replaces the pod, and the run goes on. */
export function countsDeletedPods(): boolean {
  return serverMinor() >= 25;
}
