// The flags on a command line that is still being typed, as far as completion needs them to look something up.

import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";

/** Flags that lead to a cluster, each with its short spelling. */
const FLAGS = {
  kubeconfig: ["--kubeconfig"],
  context: ["--context"],
  cluster: ["--cluster"],
  user: ["--user"],
  server: ["--server", "-s"],
  as: ["--as"],
  namespace: ["--namespace", "-n"],
  api: ["--api", "-a"],
  key: ["--key", "-k"],
  tenantId: ["--tenant-id"],
  backend: ["--backend", "-b"],
} as const;

/** What of a command line leads to the cluster and to Prefect. */
export interface TypedFlags {
  readonly connection: ConnectionFlags;
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  readonly prefect: {
    readonly api?: string | undefined;
    readonly key?: string | undefined;
    readonly tenantId?: string | undefined;
    readonly backend?: string | undefined;
  };
}

/** Reads them; `timeoutMs` is how long each request may take. */
export function typedFlags(words: readonly string[], timeoutMs: number): TypedFlags {
  const value = (flag: keyof typeof FLAGS): string | undefined => valueOf(FLAGS[flag], words);
  return {
    connection: {
      kubeconfig: value("kubeconfig"),
      context: value("context"),
      cluster: value("cluster"),
      user: value("user"),
      server: value("server"),
      as: value("as"),
      requestTimeoutMs: timeoutMs,
    },
    namespace: value("namespace"),
    allNamespaces: words.some((word) => word === "-A" || word === "--all-namespaces"),
    prefect: {
      api: value("api"),
      key: value("key"),
      tenantId: value("tenantId"),
      backend: value("backend"),
    },
  };
}

function valueOf(names: readonly string[], words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word) => names.includes(word.split("=")[0] ?? ""));
  const word = words[at];
  if (word === undefined) return undefined;
  return word.includes("=") ? word.slice(word.indexOf("=") + 1) : words[at + 1];
}
