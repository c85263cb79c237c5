// kubectl prefect inspect: shows one flow run, its objects in the cluster, and its problems.

import { Command, Option } from "clipanion";
import { ExpectedError } from "../../../base/errors.ts";
import type { Diagnosis, PlannedAction, PrefectFindings } from "../../../inventory/diagnosis.ts";
import type { Inventory, InventoryRun } from "../../../inventory/inventory.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
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
      const { loadInventory } = await import("../../../inventory/load.ts");
      const resolved = await this.findRun(this.target, scope, directories);
      const namespace = resolved.namespace ?? scope.namespace;
      const what = { flowRunId: resolved.id, dask: "all", events: "all", owners: true } as const;
      const query = { namespace, ...what, signal };
      const inventory = await loadInventory(scope.connection.kube, directories.byVersion, query);
      const run = runIn(inventory, resolved, namespace);
      const cleanup = await this.#cleanupActions(run, inventory);
      const { diagnose } = await import("../../../inventory/diagnosis.ts");
      const { findings, warnings } = await this.#askPrefect(run, directories);
      const diagnosis = diagnose(run, this.context.clock.now(), findings);
      await (format === "tree"
        ? this.#tree(run, diagnosis, cleanup)
        : this.#object(run, diagnosis, { cleanup, format }));
      this.printWarnings([...inventory.warnings, ...warnings]);
      return 0;
    } finally {
      directories.close();
      scope.connection.kube.close();
    }
  }

  /** Without an answer the rest is shown all the same. */
  async #askPrefect(
    run: InventoryRun,
    { byVersion }: RunDirectories,
  ): Promise<{ readonly findings: PrefectFindings; readonly warnings: readonly string[] }> {
    const { askPrefect } = await import("../../../inventory/from-prefect.ts");
    const { clock, signal } = this.context;
    try {
      const findings = await askPrefect(run, byVersion[run.prefectVersion], { now: clock.now(), signal });
      return { findings, warnings: [] };
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return { findings: {}, warnings: [error.message] };
    }
  }

  async #cleanupActions(
    { flowRunId }: InventoryRun,
    inventory: Inventory,
  ): Promise<readonly PlannedAction[]> {
    const { cleanupActions } = await import("./cleanup-actions.ts");
    return cleanupActions(flowRunId, inventory, this.context.clock.now());
  }

  async #tree(run: InventoryRun, diagnosis: Diagnosis, cleanup: readonly PlannedAction[]): Promise<void> {
    const { terminalWidth } = await import("../../../output/terminal.ts");
    const { wantsAscii } = await import("../../../output/tree.ts");
    const { reportLines } = await import("./report.ts");
    const { clock, env, stdout } = this.context;
    const now = clock.now();
    const style = {
      ascii: wantsAscii(stdout, env),
      palette: await this.palette(),
      width: terminalWidth(stdout),
    };
    const lines = reportLines(run, { diagnosis, cleanup, now }, style);
    this.printStyled(`${lines.join("\n")}\n`);
  }

  async #object(
    run: InventoryRun,
    diagnosis: Diagnosis,
    { cleanup, format }: { readonly cleanup: readonly PlannedAction[]; readonly format: "json" | "yaml" },
  ): Promise<void> {
    const { runObject } = await import("../../../inventory/run-object.ts");
    const object = runObject(run, diagnosis, cleanup);
    if (format === "json") {
      const { indentedJson } = await import("../../../output/canonical-json.ts");
      return this.print(`${indentedJson(object)}\n`);
    }
    const { toSortedYaml } = await import("../../../output/yaml.ts");
    this.print(toSortedYaml(object));
  }
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
