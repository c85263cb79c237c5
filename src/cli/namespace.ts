// The namespace, without connecting: from the flag, NAMESPACE, the kubeconfig context, the pod, or `default`.

import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import type { CliContext } from "./context.ts";

const POD_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

export interface NamespaceSources {
  readonly context: Pick<CliContext, "env" | "home" | "readFile">;
  readonly flags: ConnectionFlags;
  /** The value of the NAMESPACE variable. */
  readonly variable: string | undefined;
}

/** The namespace. Throws SettingsError for a kubeconfig that cannot be read, or that --kubeconfig names and is missing. */
export async function namespaceOf(flag: string | undefined, sources: NamespaceSources): Promise<string> {
  const explicit = flag ?? sources.variable;
  if (explicit !== undefined && explicit !== "") return explicit;
  const { chooseTarget } = await import("../kube/auth/kubeconfig.ts");
  const { context, flags } = sources;
  // With a server address the kubeconfig needs no current context; the address is never contacted.
  const target = chooseTarget({ ...flags, server: flags.server ?? "https://unused.invalid" }, context);
  return target?.namespace || podNamespace(context) || "default";
}

function podNamespace({ env, readFile }: NamespaceSources["context"]): string | undefined {
  return (env["KUBERNETES_SERVICE_HOST"] ?? "") === "" ? undefined : readFile(POD_NAMESPACE)?.trim();
}
