// kubectl prefect inspect: shows one flow run, its objects in the cluster, and its problems.

import { Command, Option } from "clipanion";
import { attempt } from "../../../base/attempt.ts";
import { withoutObjects, type Inventory, type InventoryRun } from "../../../inventory/inventory.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import { textOption } from "../../options/option-group.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";

export class InspectCommand extends NamespacedCommand {
  static override paths = [["inspect"], ["describe"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "show one flow run with its Jobs, pods, Dask clusters, events and problems",
    details: `
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
  output = textOption("-o,--output", "output format (default tree)");

  execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["tree", "json", "yaml"]);
    return this.connected(async (scope) => {
      const { loadInventory } = await import("../../../inventory/load.ts");
      const { askPrefect } = await import("../../../inventory/waiting.ts");
      const { cleanupActions } = await import("./cleanup-actions.ts");
      const { diagnose } = await import("../../../inventory/diagnosis.ts");
      const { runObject } = await import("../../../inventory/run-object.ts");
      const resolved = await this.findRun(this.target, scope);
      const { kube, directories, signal, namespace = resolved.namespace } = scope;
      const what = { flowRunId: resolved.flowRunId, dask: "all", events: "all", owners: true } as const;
      const inventory = await loadInventory(kube, directories, { namespace, ...what, signal });
      const run = runIn(inventory, resolved, namespace);
      const now = scope.now();
      const cleanup = cleanupActions(run.flowRunId, inventory, now);
      // Without an answer the rest is shown all the same.
      const asked = await attempt(() =>
        askPrefect(run, directories[run.prefectVersion], { kube, namespace, now, signal }),
      );
      const diagnosis = diagnose(run, now, asked.value);
      if (format === "tree") {
        const { reportLines } = await import("./report.ts");
        const hint = diagnosis.hint && this.completeHint(diagnosis.hint);
        const postMortems = diagnosis.postMortems.map((text) =>
          text.replaceAll(/^\tHint: .*$/gm, (line) => this.completeHint(line)),
        );
        const found = { diagnosis: { ...diagnosis, hint, postMortems }, cleanup, now };
        this.printStyled(`${reportLines(run, found, await this.style()).join("\n")}\n`);
      } else await this.printObject(runObject(run, diagnosis, cleanup), format);
      this.printWarnings([...inventory.warnings, ...(asked.error ? [asked.error.message] : [])]);
      return 0;
    });
  }
}

/** The run in the inventory; without objects if it is only in Prefect. */
function runIn({ runs }: Inventory, resolved: ResolvedRun, namespace: string | undefined): InventoryRun {
  const found = runs.find((run) => run.flowRunId === resolved.flowRunId);
  if (found !== undefined) return { ...found, name: found.name ?? resolved.name };
  return withoutObjects({ ...resolved, namespace: namespace ?? "" });
}
