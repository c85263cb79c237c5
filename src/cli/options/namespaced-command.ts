// Commands that work on the flow runs of one namespace, or of all.

import { Option } from "clipanion";
import type { Connection } from "../../kube/client/connect.ts";
import { ClusterCommand } from "./cluster-command.ts";
import type { RunDirectories } from "../run-directories.ts";

/** A cluster connection and a namespace; undefined for all. */
export interface ClusterScope {
  readonly connection: Connection;
  readonly namespace: string | undefined;
}

export abstract class NamespacedCommand extends ClusterCommand {
  allNamespaces = Option.Boolean("-A,--all-namespaces", false, { description: "use all namespaces" });

  /** Connects with the same defaults as kubectl. */
  protected async connectCluster(): Promise<ClusterScope> {
    const connection = await this.context.connectKube(this.connectionFlags());
    const chosen = this.namespace ?? connection.target.namespace;
    const namespace = this.allNamespaces
      ? undefined
      : chosen === undefined || chosen === ""
        ? "default"
        : chosen;
    return { connection, namespace };
  }

  /** The configured Prefect APIs. Sends nothing yet. */
  protected async directories(deadlineMs?: number): Promise<RunDirectories> {
    const { runDirectories } = await import("../run-directories.ts");
    return runDirectories(this.context, await this.prefectConfig(), deadlineMs);
  }

  protected printWarnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.printMessage(`warning: ${warning}`);
  }

  /** In kubectl's words; an empty result is no error. */
  protected printNothingFound(namespace: string | undefined): void {
    this.printMessage(
      namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`,
    );
  }
}
