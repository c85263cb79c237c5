// The real kubectl, for the cluster that KUBECONFIG names.

import { spawnSync } from "node:child_process";
import { mustKeepSecrets } from "../../support/secrets.ts";

/** How a command ended; code is null when a signal ended it. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs kubectl. Throws only when it cannot be started, or when our plugin prints a secret. */
export function kubectl(args: readonly string[], input = ""): Said {
  const options = { input, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout, stderr, status, error } = spawnSync("kubectl", args, options);
  if (error !== undefined) throw error;
  if (args.includes("prefect")) mustKeepSecrets({ argv: args, env: process.env }, { stdout, stderr });
  return { stdout, stderr, code: status };
}

/** What kubectl prints. Throws what it says when it fails. */
export function mustKubectl(args: readonly string[], input = ""): string {
  const said = kubectl(args, input);
  if (said.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${said.stderr}`);
  return said.stdout;
}

/** Objects of a kind in a namespace, as far as tests look at them. */
export interface Listed {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly phase?: string };
}

/** All objects of a kind in a namespace. */
export function listed(kind: "jobs" | "pods", namespace: string): readonly Listed[] {
  const list = JSON.parse(mustKubectl(["get", kind, "-n", namespace, "-o", "json"])) as { items: Listed[] };
  return list.items;
}

/** The server's minor version: 20 of 1.20. Throws when it does not tell. */
export function serverMinor(): number {
  const { serverVersion } = JSON.parse(mustKubectl(["version", "-o", "json"])) as {
    serverVersion: { gitVersion: string };
  };
  // Not the field `minor`: a server that is built outside a checkout leaves it empty.
  const minor = /^v1\.(\d+)/.exec(serverVersion.gitVersion)?.[1];
  if (minor === undefined) throw new Error(`the server's version is "${serverVersion.gitVersion}"`);
  return Number(minor);
}
