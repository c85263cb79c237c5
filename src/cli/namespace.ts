// Which namespace is meant, without connecting: the flag, the NAMESPACE variable, the context's, the pod's own, `default`.

import type { ConnectionFlags } from "../kube/auth/kubeconfig.ts";
import type { CliContext } from "./context.ts";

const POD_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

export interface NamespaceSources {
  readonly context: Pick<CliContext, "env" | "home" | "readFile">;
  readonly flags: ConnectionFlags;
  /** What the NAMESPACE variable says. */
  readonly variable: string | undefined;
}

/** The namespace. A missing kubeconfig is no error; one that is named and missing, or cannot be read, is a SettingsError. */
export async function namespaceOf(flag: string | undefined, sources: NamespaceSources): Promise<string> {
  const said = flag ?? sources.variable;
  if (said !== undefined && said !== "") return said;
  const { chooseTarget } = await import("../kube/auth/kubeconfig.ts");
  const { parse } = await import("yaml");
  const { context, flags } = sources;
  // With an address of its own a kubeconfig may also have no current context: nothing is going to be contacted.
  const target = chooseTarget(
    { ...flags, server: flags.server ?? "https://unused.invalid" },
    { ...context, parseYaml: (text) => parse(text) as unknown },
  );
  return target?.namespace || podNamespace(context) || "default";
}

function podNamespace({ env, readFile }: NamespaceSources["context"]): string | undefined {
  return (env["KUBERNETES_SERVICE_HOST"] ?? "") === "" ? undefined : readFile(POD_NAMESPACE)?.trim();
}
