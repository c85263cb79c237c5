// The options of commands that look for flow runs in one namespace, or in all.

import { Option } from "clipanion";
import type { Connection } from "../../kube/client/connect.ts";
import { ClusterCommand } from "./cluster-command.ts";
import type { RunDirectories } from "../run-directories.ts";

/** A cluster, and the namespace that is meant; undefined for all. */
export interface Place {
  readonly connection: Connection;
  readonly namespace: string | undefined;
}

/** Commands that look for flow runs in one namespace or all. */
export abstract class NamespacedCommand extends ClusterCommand {
  allNamespaces = Option.Boolean("-A,--all-namespaces", false, { description: "look in all namespaces" });

  /** Connects as kubectl would. */
  protected async place(): Promise<Place> {
    const connection = await this.context.connectKube(this.connectionFlags());
    const own = this.namespace ?? connection.target.namespace;
    const namespace = this.allNamespaces ? undefined : own === undefined || own === "" ? "default" : own;
    return { connection, namespace };
  }

  /** The Prefect APIs that are configured. Nothing is sent yet. */
  protected async directories(deadlineMs?: number): Promise<RunDirectories> {
    const { runDirectories } = await import("../run-directories.ts");
    return runDirectories(this.context, await this.prefectConfig(), deadlineMs);
  }

  /** What could not be looked at. */
  protected noteWarnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.note(`note: ${warning}`);
  }

  /** As kubectl says it; nothing found is no failure. */
  protected noteNothingFound(namespace: string | undefined): void {
    this.note(
      namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`,
    );
  }
}
