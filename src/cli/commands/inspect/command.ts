// kubectl prefect inspect: one flow run with all that it has in the cluster, and what is the matter with it.

import type { RunStatus } from "../../../orchestrator/flow-run.ts";
import { Command, Option } from "clipanion";
import type { Prospect } from "../../../inventory/diagnosis.ts";
import type { Inventory, InventoryRun } from "../../../inventory/inventory.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { Place } from "../../options/namespaced-command.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import type { RunDirectories } from "../../run-directories.ts";

export class InspectCommand extends NamespacedCommand {
  static override paths = [["inspect"], ["describe"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "show one flow run: Jobs, pods, containers, Dask, events, and a diagnosis",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME. Shows what the run has
      in the cluster as a tree, what Prefect says of it, what went wrong, and what an agent and cleanup would do with it
      and why.
    `,
    examples: [
      ["By name", "$0 inspect quick-fox"],
      ["By the beginning of its id, wherever it is", "$0 inspect 1a2b3c4d -A"],
      ["The run of a Job, for a program", "$0 inspect job/prefect-job-1a2b -o json"],
    ],
  });

  target = Option.String({ name: "RUN" });
  output = Option.String("-o,--output", { description: "tree, json or yaml (default tree)" });

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["tree", "json", "yaml"]);
    const [place, directories] = await Promise.all([this.place(), this.directories()]);
    const { signal } = this.context;
    try {
      const { findRun } = await import("../../find-run.ts");
      const { loadInventory } = await import("../../../inventory/load.ts");
      const meant = await findRun(this.target, place, { directories, signal });
      const namespace = meant.namespace ?? place.namespace;
      const query = { namespace, flowRunId: meant.id, dask: "all", events: "all", signal } as const;
      const inventory = await loadInventory(place.connection.kube, directories.byVersion, query);
      const found = runIn(inventory, meant, namespace);
      const seen = await this.#surroundings(found, inventory, { place, directories });
      const run = { ...found, status: stateIn(seen, found) };
      const prospects = await this.#prospects(run, { inventory: seen, directories });
      await (format === "tree" ? this.#tree(run, prospects) : this.#object(run, prospects, format));
      this.noteWarnings([...new Set([...inventory.warnings, ...seen.warnings])]);
      return 0;
    } finally {
      directories.close();
      place.connection.kube.close();
    }
  }

  /** Whether a run that Prefect does not know was deleted, or is another Prefect's, the other runs of the namespace tell. */
  async #surroundings(
    { status: run, namespace }: InventoryRun,
    inventory: Inventory,
    { place, directories }: { readonly place: Place; readonly directories: RunDirectories },
  ): Promise<Inventory> {
    if (run.kind !== "missing") return inventory;
    const { loadInventory } = await import("../../../inventory/load.ts");
    const where = namespace === "" ? undefined : namespace;
    const query = { namespace: where, dask: "all", signal: this.context.signal } as const;
    return loadInventory(place.connection.kube, directories.byVersion, query);
  }

  /** What cleanup would do. */
  async #prospects(
    { flowRunId }: InventoryRun,
    { inventory, directories }: { readonly inventory: Inventory; readonly directories: RunDirectories },
  ): Promise<readonly Prospect[]> {
    const { prospectsOf } = await import("../../cleanup-preview.ts");
    return prospectsOf(flowRunId, { inventory, apis: directories.addresses, now: this.context.clock.now() });
  }

  async #tree(run: InventoryRun, prospects: readonly Prospect[]): Promise<void> {
    const { diagnose } = await import("../../../inventory/diagnosis.ts");
    const { OLDER_THAN_MS, prospectLines } = await import("../../cleanup-preview.ts");
    const { formatDuration } = await import("../../../base/duration.ts");
    const { treeLines, wantsAscii } = await import("../../../output/tree.ts");
    const { runTree } = await import("./tree.ts");
    const { clock, env, stdout } = this.context;
    const palette = await this.palette();
    const now = clock.now();
    const { status: word, reason: why, stories, agent } = diagnose(run, now);
    const ascii = wantsAscii(stdout, env);
    const lines = [
      ...treeLines(runTree(run, now), { ascii, palette }),
      "",
      `${palette.heading("STATUS")} ${word}: ${why}`,
      ...stories.flatMap((story) => ["", ...storyLines(story, why)]),
      "",
      palette.heading("AN AGENT WOULD"),
      ...agent.map((action) => `  ${action}`),
      "",
      `${palette.heading("CLEANUP WOULD")} (--older-than ${formatDuration(OLDER_THAN_MS)})`,
      ...(prospects.length === 0 ? ["nothing: there is nothing to remove"] : prospectLines(prospects)).map(
        (line) => `  ${line}`,
      ),
    ];
    this.print(`${lines.join("\n")}\n`);
  }

  async #object(run: InventoryRun, prospects: readonly Prospect[], format: "json" | "yaml"): Promise<void> {
    const { diagnose } = await import("../../../inventory/diagnosis.ts");
    const { runObject } = await import("../../../inventory/run-object.ts");
    const object = runObject(run, diagnose(run, this.context.clock.now()), prospects);
    if (format === "json") {
      const { indentedJson } = await import("../../../output/canonical-json.ts");
      return this.print(`${indentedJson(object)}\n`);
    }
    const { toSortedYaml } = await import("../../../output/yaml.ts");
    this.print(toSortedYaml(object));
  }
}

/** A Job's story; what the decision has just said it does not say again. */
function storyLines(story: string, why: string): readonly string[] {
  const [first = "", ...more] = story.replaceAll("\t", "    ").split("\n");
  return [first.endsWith(`: ${why}`) ? first.slice(0, -why.length - 2) : first, ...more];
}

/** The run's state, as it is in the light of the others. */
function stateIn({ runs }: Inventory, { flowRunId, namespace, status: run }: InventoryRun): RunStatus {
  const found = runs.find((each) => each.flowRunId === flowRunId && each.namespace === namespace);
  return found?.status ?? run;
}

/** The run as it was found; a run that only Prefect knows has nothing here. */
function runIn({ runs }: Inventory, meant: ResolvedRun, namespace: string | undefined): InventoryRun {
  const found = runs.find((run) => run.flowRunId === meant.id);
  if (found !== undefined) return { ...found, name: found.name ?? meant.name };
  return {
    flowRunId: meant.id,
    prefectVersion: meant.prefectVersion,
    namespace: namespace ?? "",
    name: meant.name,
    status: meant.status,
    observed: { flowRunId: meant.id, jobs: [] },
    dask: [],
  };
}
