// kubectl prefect inspect: shows one flow run, its objects in the cluster, and its problems.

import type { RunStatus } from "../../../orchestrator/flow-run.ts";
import { Command, Option } from "clipanion";
import type { PlannedAction } from "../../../inventory/diagnosis.ts";
import type { Inventory, InventoryRun } from "../../../inventory/inventory.ts";
import { oneLine } from "../../../output/clean.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { ClusterScope } from "../../options/namespaced-command.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import type { RunDirectories } from "../../run-directories.ts";

export class InspectCommand extends NamespacedCommand {
  static override paths = [["inspect"], ["describe"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "show one flow run with its Jobs, pods, Dask clusters, events and problems",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME for the run of a Job.

      Shows the run's objects in the cluster as a tree, its state in Prefect, what went wrong, and what an agent and
      cleanup would do next.
    `,
    examples: [
      ["Inspect a flow run by name", "$0 inspect quick-fox"],
      ["Inspect a flow run by a prefix of its id, in any namespace", "$0 inspect 1a2b3c4d -A"],
      ["Print the flow run of a Job as JSON", "$0 inspect job/prefect-job-1a2b -o json"],
    ],
  });

  target = Option.String({ name: "RUN" });
  output = Option.String("-o,--output", { description: "output format (default tree)" });

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["tree", "json", "yaml"]);
    const [scope, directories] = await Promise.all([this.connectCluster(), this.directories()]);
    const { signal } = this.context;
    try {
      const { findRun } = await import("../../find-run.ts");
      const { loadInventory } = await import("../../../inventory/load.ts");
      const resolved = await findRun(this.target, scope, { directories, signal });
      const namespace = resolved.namespace ?? scope.namespace;
      const query = { namespace, flowRunId: resolved.id, dask: "all", events: "all", signal } as const;
      const inventory = await loadInventory(scope.connection.kube, directories.byVersion, query);
      const found = runIn(inventory, resolved, namespace);
      const checked = await this.#recheckMissingRun(found, inventory, { scope, directories });
      const run = { ...found, status: statusIn(checked, found) };
      const cleanup = await this.#cleanupActions(run, { inventory: checked, directories });
      await (format === "tree" ? this.#tree(run, cleanup) : this.#object(run, cleanup, format));
      this.printWarnings([...new Set([...inventory.warnings, ...checked.warnings])]);
      return 0;
    } finally {
      directories.close();
      scope.connection.kube.close();
    }
  }

  /** For a run that Prefect does not have: the whole namespace, because whether it was deleted depends on the other runs. */
  async #recheckMissingRun(
    { status, namespace }: InventoryRun,
    inventory: Inventory,
    { scope, directories }: { readonly scope: ClusterScope; readonly directories: RunDirectories },
  ): Promise<Inventory> {
    if (status.kind !== "missing") return inventory;
    const { loadInventory } = await import("../../../inventory/load.ts");
    const where = namespace === "" ? undefined : namespace;
    const query = { namespace: where, dask: "all", signal: this.context.signal } as const;
    return loadInventory(scope.connection.kube, directories.byVersion, query);
  }

  async #cleanupActions(
    { flowRunId }: InventoryRun,
    { inventory, directories }: { readonly inventory: Inventory; readonly directories: RunDirectories },
  ): Promise<readonly PlannedAction[]> {
    const { cleanupActions } = await import("../../cleanup-preview.ts");
    return cleanupActions(flowRunId, {
      inventory,
      apis: directories.addresses,
      now: this.context.clock.now(),
    });
  }

  async #tree(run: InventoryRun, cleanup: readonly PlannedAction[]): Promise<void> {
    const { diagnose } = await import("../../../inventory/diagnosis.ts");
    const { OLDER_THAN_MS, actionLines } = await import("../../cleanup-preview.ts");
    const { formatDuration } = await import("../../../base/duration.ts");
    const { treeLines, wantsAscii } = await import("../../../output/tree.ts");
    const { runTree } = await import("./tree.ts");
    const { clock, env, stdout } = this.context;
    const palette = await this.palette();
    const now = clock.now();
    const { status, reason, postMortems, agent } = diagnose(run, now);
    const ascii = wantsAscii(stdout, env);
    const lines = [
      ...treeLines(runTree(run, now), { ascii, palette }),
      "",
      `${palette.heading("STATUS")} ${oneLine(`${status}: ${reason}`)}`,
      ...postMortems.flatMap((text) => ["", ...postMortemLines(text, reason).map(oneLine)]),
      "",
      palette.heading("AN AGENT WOULD"),
      ...agent.map((action) => `  ${oneLine(action)}`),
      "",
      `${palette.heading("CLEANUP WOULD")} (--older-than ${formatDuration(OLDER_THAN_MS)})`,
      ...(cleanup.length === 0 ? ["nothing"] : actionLines(cleanup)).map((line) => `  ${oneLine(line)}`),
    ];
    this.printStyled(`${lines.join("\n")}\n`);
  }

  async #object(
    run: InventoryRun,
    cleanup: readonly PlannedAction[],
    format: "json" | "yaml",
  ): Promise<void> {
    const { diagnose } = await import("../../../inventory/diagnosis.ts");
    const { runObject } = await import("../../../inventory/run-object.ts");
    const object = runObject(run, diagnose(run, this.context.clock.now()), cleanup);
    if (format === "json") {
      const { indentedJson } = await import("../../../output/canonical-json.ts");
      return this.print(`${indentedJson(object)}\n`);
    }
    const { toSortedYaml } = await import("../../../output/yaml.ts");
    this.print(toSortedYaml(object));
  }
}

/** The lines of a Job's post-mortem, without the reason that the STATUS line shows already. */
function postMortemLines(text: string, reason: string): readonly string[] {
  const [first = "", ...more] = text.replaceAll("\t", "    ").split("\n");
  return [first.endsWith(`: ${reason}`) ? first.slice(0, -reason.length - 2) : first, ...more];
}

/** The run's status in this inventory. */
function statusIn({ runs }: Inventory, { flowRunId, namespace, status }: InventoryRun): RunStatus {
  const found = runs.find((each) => each.flowRunId === flowRunId && each.namespace === namespace);
  return found?.status ?? status;
}

/** The run in the inventory; without objects if it is only in Prefect. */
function runIn({ runs }: Inventory, resolved: ResolvedRun, namespace: string | undefined): InventoryRun {
  const found = runs.find((run) => run.flowRunId === resolved.id);
  if (found !== undefined) return { ...found, name: found.name ?? resolved.name };
  return {
    flowRunId: resolved.id,
    prefectVersion: resolved.prefectVersion,
    namespace: namespace ?? "",
    name: resolved.name,
    status: resolved.status,
    observed: { flowRunId: resolved.id, jobs: [] },
    dask: [],
  };
}
