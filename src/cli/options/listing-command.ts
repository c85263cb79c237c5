// What listing commands share: kubectl's flags for lists, and how output and gaps are told.

import { Option } from "clipanion";
import type { Connection } from "../../kube/client/connect.ts";
import type { OutputFormat } from "../../output/formats.ts";
import type { Palette } from "../../output/palette.ts";
import { ClusterCommand } from "./cluster-command.ts";
import type { ListingStates } from "../prefect-states.ts";

/** A cluster, and the namespace that is meant; undefined for all. */
export interface Place {
  readonly connection: Connection;
  readonly namespace: string | undefined;
}

/** Commands that look for flow runs in one namespace or all. */
export abstract class PlaceCommand extends ClusterCommand {
  allNamespaces = Option.Boolean("-A,--all-namespaces", false, { description: "look in all namespaces" });

  /** Connects as kubectl would. */
  protected async place(): Promise<Place> {
    const connection = await this.context.connectKube(this.connectionFlags());
    const own = this.namespace ?? connection.target.namespace;
    const namespace = this.allNamespaces ? undefined : own === undefined || own === "" ? "default" : own;
    return { connection, namespace };
  }

  /** The Prefect APIs that are configured. Nothing is sent yet. */
  protected async states(): Promise<ListingStates> {
    const { listingStates } = await import("../prefect-states.ts");
    return listingStates(this.context, await this.prefectConfig());
  }

  /** What could not be looked at. */
  protected tellGaps(gaps: readonly string[]): void {
    for (const gap of gaps) this.tell(`note: ${gap}`);
  }

  /** As kubectl says it; nothing found is no failure. */
  protected tellEmpty(namespace: string | undefined): void {
    this.tell(
      namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`,
    );
  }

  protected async palette(): Promise<Palette> {
    const { colourFor, parseColourMode } = await import("../../output/palette.ts");
    const { stdout, env } = this.context;
    return colourFor(parseColourMode(this.color), { isTTY: "isTTY" in stdout && stdout.isTTY === true }, env);
  }
}

/** Commands that print lists. */
export abstract class ListingCommand extends PlaceCommand {
  selector = Option.String("-l,--selector", { description: "label selector for Jobs" });
  fieldSelector = Option.String("--field-selector", { description: "field selector for Jobs" });
  output = Option.String("-o,--output", {
    description: "table, wide, json, yaml, name, jsonpath=…, custom-columns=…",
  });
  noHeaders = Option.Boolean("--no-headers", false, { description: "no header line" });
  sortBy = Option.String("--sort-by", { description: "column, or JSONPath into the objects of -o json" });

  /** Throws SettingsError. */
  protected async format(): Promise<OutputFormat> {
    const { parseOutputFormat } = await import("../../output/formats.ts");
    const { readGivenFile } = await import("../read-input.ts");
    return parseOutputFormat(this.output, (path) => readGivenFile(this.context, path, "template"));
  }
}
