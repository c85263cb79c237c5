// kubectl prefect jobs: lists the Jobs of flow runs with their status in Kubernetes and Prefect.

import { parseDuration } from "../../../base/duration.ts";
import { EXIT } from "../../../base/errors.ts";
import { Command } from "clipanion";
import type { ListRow } from "../../../inventory/list-row.ts";
import { LIST_FORMATS, parseOutputFormat, type ListFormat } from "../../../output/formats.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import type { ClusterScope } from "../../cluster-scope.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import { durationOption, switchOption, textOption } from "../../options/option-group.ts";
import type { QueryResult } from "./watch.ts";

export class JobsCommand extends NamespacedCommand {
  static override paths = [["jobs"], ["get"], ["get", "jobs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "list flow runs and their Jobs with their Prefect and Kubernetes status",
    details: `
      Lists the Jobs of Prefect 0.x to 3 with the flow run's state in Prefect, its pods in Kubernetes, and a STATUS that
      sums up both: active, pending, stuck, failed, finished, orphaned or cancelled (a Dask cluster whose flow run nobody
      knows is unowned); -o wide adds the REASON. Then come the flow runs without a Job here that are due, claimed or
      running in Prefect, or ended within --since.

      Without a Prefect API the states are unknown. The API of Prefect 1 comes from --api or Prefect's configuration, the
      API of Prefect 2 and 3 from PREFECT_API_URL.
    `,
    examples: [
      ["List the Jobs of the current namespace", "$0 jobs"],
      ["List all namespaces with the reason of each status", "$0 jobs -A -o wide"],
      ["See why the runs of today have failed", "$0 jobs --since 24h -o wide"],
      ["Watch for changes", "$0 jobs -w"],
    ],
  });

  selector = textOption("-l,--selector", "label selector to filter Jobs");
  fieldSelector = textOption("--field-selector", "field selector to filter Jobs");
  since = durationOption("--since", "1h", "runs without a Job that ended within this time");
  output = textOption("-o,--output", "output format: table, wide, json, yaml or name (default table)");
  noHeaders = switchOption("--no-headers", "do not print the header line");
  watch = switchOption("-w,--watch", "watch for changes");

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, LIST_FORMATS);
    const style = await this.style();
    const sinceMs = parseDuration(this.since, "--since");
    const { listColumns } = await import("./columns.ts");
    return this.connected(async (scope) => {
      const query = (): Promise<QueryResult> => this.#query(scope, sinceMs, format);
      const printing: PrintOptions<ListRow> = {
        ...style,
        format,
        noHeaders: this.noHeaders,
        columns: listColumns(scope.now, this.allNamespaces),
        // Names that kubectl takes, one in a line.
        name: ({ resources = [] }) => resources.join("\n"),
        toObject: (row) => row.toObject(),
      };
      if (this.watch) {
        const { watchRows } = await import("./watch.ts");
        const printWarning = (line: string): void => this.printMessage(`warning: ${line}`);
        const { stdout, env } = this.context;
        await watchRows({ ...printing, ...scope, stdout, env, query, printWarning });
        return scope.signal.aborted ? EXIT.interrupted : 0;
      }
      const { rows, warnings } = await query();
      const { printRows } = await import("../../../output/print-rows.ts");
      printRows(rows, printing, (text) => this.printStyled(text));
      if (rows.length === 0) this.printNothingFound(scope.namespace);
      this.printWarnings(warnings);
      return 0;
    });
  }

  async #query(scope: ClusterScope, sinceMs: number, format: ListFormat): Promise<QueryResult> {
    const { listJobs } = await import("../../find-run.ts");
    const { ownerWarnings } = await import("../../../inventory/agent-polls.ts");
    const { listRows } = await import("../../../inventory/list-row.ts");
    const { selector: labelSelector, fieldSelector } = this;
    // A filter selects Jobs.
    const isFiltered = labelSelector !== undefined || fieldSelector !== undefined;
    const endedWithinMs = isFiltered ? undefined : sinceMs;
    const what = { dask: "pods", events: "no-pods", owners: true, endedWithinMs } as const;
    const inventory = await listJobs(scope, { labelSelector, fieldSelector, ...what });
    const rows = listRows(inventory, scope.now()).filter(
      // What -o name prints is for kubectl, which knows no flow runs, and no Jobs that are gone.
      ({ resources = [], run, gone }) =>
        format === "name" ? resources.length > 0 && gone !== true : !isFiltered || run !== undefined,
    );
    return { rows, warnings: [...inventory.warnings, ...ownerWarnings(inventory.runs)] };
  }
}
