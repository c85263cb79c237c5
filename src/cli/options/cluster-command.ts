// The options of commands that connect to a cluster, with kubectl's names.

import { aNamespace } from "../../agent/option-checks.ts";
import { parseDuration } from "../../base/duration.ts";
import type { ConnectionFlags } from "../../kube/auth/kubeconfig.ts";
import type { ClusterScope } from "../cluster-scope.ts";
import { shellWord } from "../../base/shell-word.ts";
import { ownFlags, withOwnFlags } from "../own-flags.ts";
import { CONNECTION_OPTIONS } from "./connection-options.ts";
import { optionGroup, textOption } from "./option-group.ts";
import { PrefectCommand } from "./prefect-command.ts";

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
    return withOwnFlags(hint, ownFlags(this.connection, this), this.scope());
  }

  connectionFlags(): ConnectionFlags {
    const { connection, requestTimeout } = this;
    if (requestTimeout === undefined) return connection;
    // As in kubectl, 0 is no limit.
    return {
      ...connection,
      requestTimeoutMs: parseDuration(requestTimeout, "--request-timeout") || Infinity,
    };
  }

  /** Throws SettingsError for a -n that is no namespace. */
  protected checkNamespace(): void {
    if (this.namespace !== undefined) aNamespace(this.namespace, "-n");
  }

  /**
   * What `work` returns, with connections by the same defaults as kubectl, which are closed at the end. `prefectMs`: deadline of
   * each request to Prefect.
   */
  async connected<T>(work: (scope: ClusterScope) => Promise<T>, prefectMs?: number): Promise<T> {
    this.checkNamespace();
    const { inClusterTime, runDirectories } = await import("../cluster-scope.ts");
    const { ServerClock } = await import("../../base/server-clock.ts");
    const { clock, signal, connectKube } = this.context;
    const sources = runDirectories(this.context, await this.prefectConfig(), prefectMs);
    const flags = { ...this.connectionFlags(), waits: true };
    const time = new ServerClock(clock);
    const now = (): Date => time.now();
    const directories = inClusterTime(sources, now);
    const { kube, target } = await connectKube(flags, time.observe);
    const namespace = this.allNamespaces ? undefined : (this.namespace ?? target.namespace) || "default";
    try {
      return await work({ kube, namespace, directories, clock, now, signal });
    } finally {
      for (const each of Object.values(directories)) each?.close();
      kube.close();
    }
  }
}
