// The options of commands that connect to a cluster, with kubectl's names.

import { parseDuration } from "../../base/duration.ts";
import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";
import type { ClusterScope, Deadlines } from "../cluster-scope.ts";
import { shellWord } from "../../base/shell-word.ts";
import { ownCommands, withOwnFlags } from "../own-flags.ts";
import { CONNECTION_OPTIONS } from "./connection-options.ts";
import { optionGroup, textOption } from "./option-group.ts";
import { PrefectCommand } from "./prefect-command.ts";

/** Commands that connect to a cluster and to Prefect. */
export abstract class ClusterCommand extends PrefectCommand {
  namespace = textOption("-n,--namespace", "namespace (default from the context)");
  readonly connection = optionGroup(CONNECTION_OPTIONS);
  requestTimeout = textOption("--request-timeout", "timeout of a request to the API server, such as 30s");

  /** Set by commands that can list all namespaces. */
  readonly allNamespaces: boolean = false;

  /** -n as the user gave it; "": not at all. */
  protected scope(): string {
    return this.namespace === undefined ? "" : `-n ${shellWord(this.namespace)}`;
  }

  protected override completeHint(hint: string): string {
    // --request-timeout may be what is wrong; it is not repeated.
    return withOwnFlags(hint, ownCommands(this.connection, this), this.scope());
  }

  /** The values of the connection flags. */
  connectionFlags(): ConnectionFlags {
    const timeout = this.requestTimeout;
    // As in kubectl, 0 is no limit.
    const requestTimeoutMs =
      timeout === undefined ? undefined : parseDuration(timeout, "--request-timeout") || Infinity;
    return { ...this.connection, requestTimeoutMs };
  }

  /** What `work` returns, with connections by the same defaults as kubectl, which are closed at the end. */
  async connected<T>(work: (scope: ClusterScope) => Promise<T>, deadlines: Deadlines = {}): Promise<T> {
    const { runDirectories, serverTime } = await import("../cluster-scope.ts");
    const { kubeMs, prefectMs } = deadlines;
    const { signal, connectKube } = this.context;
    const directories = runDirectories(this.context, await this.prefectConfig(), prefectMs);
    const flags = this.connectionFlags();
    const { clock, observe } = serverTime(this.context.clock);
    const { kube, target } = await connectKube(
      kubeMs ? { ...flags, requestTimeoutMs: kubeMs } : flags,
      observe,
    );
    const namespace = this.allNamespaces ? undefined : (this.namespace ?? target.namespace) || "default";
    try {
      return await work({ kube, namespace, directories, clock, signal });
    } finally {
      for (const each of Object.values(directories)) each?.close();
      kube.close();
    }
  }
}
