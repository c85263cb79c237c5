// The options of commands that connect to a cluster, with kubectl's names.

import { Option } from "clipanion";
import { parseDuration } from "../../base/duration.ts";
import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";
import type { ClusterScope, Deadlines } from "../cluster-scope.ts";
import { shellWord } from "../../base/shell-word.ts";
import { ownCommands, withOwnFlags } from "../own-flags.ts";
import { PrefectCommand } from "./prefect-command.ts";

/** Commands that connect to a cluster and to Prefect. */
export abstract class ClusterCommand extends PrefectCommand {
  kubeconfig = Option.String("--kubeconfig", { description: "path to the kubeconfig file" });
  kubeContext = Option.String("--context", { description: "kubeconfig context to use" });
  cluster = Option.String("--cluster", { description: "kubeconfig cluster to use" });
  user = Option.String("--user", { description: "kubeconfig user to use" });
  namespace = Option.String("-n,--namespace", { description: "namespace (default from the context)" });
  server = Option.String("-s,--server", { description: "URL of the Kubernetes API server" });
  as = Option.String("--as", { description: "user to impersonate" });
  asGroup = Option.Array("--as-group", { description: "group to impersonate; may be repeated" });
  asUid = Option.String("--as-uid", { description: "UID to impersonate" });
  certificateAuthority = Option.String("--certificate-authority", {
    description: "file with the CA certificate of the API server",
  });
  tlsServerName = Option.String("--tls-server-name", {
    description: "server name to verify in the API server's certificate",
  });
  insecureSkipTlsVerify = Option.Boolean("--insecure-skip-tls-verify", {
    description: "do not verify the API server's certificate (insecure)",
  });
  requestTimeout = Option.String("--request-timeout", {
    description: "timeout of a request to the API server, such as 30s",
  });

  /** Set by commands that can list all namespaces. */
  readonly allNamespaces: boolean = false;

  /** -n as the user gave it; "": not at all. */
  protected scope(): string {
    return this.namespace === undefined ? "" : `-n ${shellWord(this.namespace)}`;
  }

  protected override completeHint(hint: string): string {
    // --request-timeout may be what is wrong; it is not repeated.
    const connection = this.#connection(undefined);
    return withOwnFlags(hint, ownCommands(connection, this), this.scope());
  }

  /** The values of the connection flags. */
  connectionFlags(): ConnectionFlags {
    const timeout = this.requestTimeout;
    const isUnlimited = timeout === undefined || timeout === "0";
    return this.#connection(isUnlimited ? undefined : parseDuration(timeout, "--request-timeout"));
  }

  /** What `work` returns, with connections by the same defaults as kubectl, which are closed at the end. */
  async connected<T>(work: (scope: ClusterScope) => Promise<T>, deadlines: Deadlines = {}): Promise<T> {
    const { runDirectories } = await import("../cluster-scope.ts");
    const { kubeMs, prefectMs } = deadlines;
    const { clock, signal, connectKube } = this.context;
    const directories = runDirectories(this.context, await this.prefectConfig(), prefectMs);
    const flags = this.connectionFlags();
    const { kube, target } = await connectKube(kubeMs ? { ...flags, requestTimeoutMs: kubeMs } : flags);
    const namespace = this.allNamespaces ? undefined : (this.namespace ?? target.namespace) || "default";
    try {
      return await work({ kube, namespace, directories, clock, signal });
    } finally {
      for (const each of Object.values(directories)) each?.close();
      kube.close();
    }
  }

  #connection(requestTimeoutMs: number | undefined): ConnectionFlags {
    return {
      kubeconfig: this.kubeconfig,
      context: this.kubeContext,
      cluster: this.cluster,
      user: this.user,
      server: this.server,
      certificateAuthority: this.certificateAuthority,
      tlsServerName: this.tlsServerName,
      insecureSkipTlsVerify: this.insecureSkipTlsVerify,
      as: this.as,
      asGroups: this.asGroup,
      asUid: this.asUid,
      requestTimeoutMs,
    };
  }
}
