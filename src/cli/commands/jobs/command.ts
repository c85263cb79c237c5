// kubectl prefect jobs: lists the Jobs of flow runs with their status in Kubernetes and Prefect.

import { parseDuration } from "../../../base/duration.ts";
import { EXIT } from "../../../base/errors.ts";
import type { InventoryQuery } from "../../../inventory/query.ts";
import { Command, Option } from "clipanion";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { LIST_FORMATS, parseOutputFormat } from "../../../output/formats.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { QueryResult } from "./watch.ts";

export class JobsCommand extends NamespacedCommand {
  static override paths = [["jobs"], ["get"], ["get", "jobs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "list flow runs and their Jobs with their Prefect and Kubernetes status",
    details: `
      Lists the Jobs of Prefect 0.x to 3 with the flow run's state in Prefect, its pods in Kubernetes, and a STATUS that
      sums up both: active, pending, stuck, failed, finished, orphaned or cancelled; -o wide adds the REASON. Then come the
      flow runs without a Job here that are due, claimed or running in Prefect, or ended within --since.

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

  selector = Option.String("-l,--selector", { description: "label selector to filter Jobs" });
  fieldSelector = Option.String("--field-selector", { description: "field selector to filter Jobs" });
  since = Option.String("--since", "1h", {
    description: "runs without a Job that ended within this time (default 1h)",
  });
  output = Option.String("-o,--output", {
    description: "output format: table, wide, json, yaml or name (default table)",
  });
  noHeaders = Option.Boolean("--no-headers", false, { description: "do not print the header line" });
  watch = Option.Boolean("-w,--watch", false, { description: "watch for changes" });

  async execute(): Promise<number> {
    const printing = await this.#printing();
    const sinceMs = parseDuration(this.since, "--since");
    const [scope, directories] = await Promise.all([this.connectCluster(), this.directories()]);
    try {
      const query: InventoryQuery = {
        namespace: scope.namespace,
        labelSelector: this.selector,
        fieldSelector: this.fieldSelector,
        dask: "pods",
        events: "no-pods",
        owners: true,
        signal: this.context.signal,
      };
      const { loadInventory } = await import("../../../inventory/load.ts");
      const { ownerWarnings } = await import("../../../inventory/agent-polls.ts");
      const load = async (): Promise<Inventory> => {
        const endedSince = this.#isFiltered
          ? undefined
          : new Date(this.context.clock.now().getTime() - sinceMs);
        const recent = { ...query, endedSince };
        const inventory = await loadInventory(scope.connection.kube, directories.byVersion, recent);
        const refusal = inventory.refusals?.get("jobs");
        if (refusal !== undefined) throw refusal;
        return { ...inventory, warnings: [...inventory.warnings, ...ownerWarnings(inventory.runs)] };
      };
      if (this.watch) {
        return await this.#watch(printing, async () => {
          const inventory = await load();
          return { rows: await this.#rows(inventory), warnings: inventory.warnings };
        });
      }
      const inventory = await load();
      const rows = await this.#rows(inventory);
      const { printRows } = await import("../../../output/print-rows.ts");
      printRows(rows, printing, (text) => this.printStyled(text));
      if (rows.length === 0) this.printNothingFound(scope.namespace);
      this.printWarnings(inventory.warnings);
      return 0;
    } finally {
      directories.close();
      scope.connection.kube.close();
    }
  }

  /** The output options; invalid ones fail before any request is sent. */
  async #printing(): Promise<PrintOptions<ListRow>> {
    const format = parseOutputFormat(this.output, LIST_FORMATS);
    const { listColumns } = await import("./columns.ts");
    const { resourceName, rowObject } = await import("../../../inventory/list-row.ts");
    const columns = listColumns(() => this.context.clock.now(), this.allNamespaces);
    const { terminalWidth } = await import("../../../output/terminal.ts");
    return {
      format,
      columns,
      palette: await this.palette(),
      width: terminalWidth(this.context.stdout),
      noHeaders: this.noHeaders,
      name: resourceName,
      toObject: rowObject,
    };
  }

  /** A filter selects Jobs. */
  get #isFiltered(): boolean {
    return this.selector !== undefined || this.fieldSelector !== undefined;
  }

  async #rows(inventory: Inventory): Promise<readonly ListRow[]> {
    const { listRows } = await import("../../../inventory/list-row.ts");
    const rows = listRows(inventory, this.context.clock.now());
    // What -o name prints is for kubectl, which knows no flow runs.
    if (this.output === "name") return rows.filter(({ name }) => name !== undefined);
    return this.#isFiltered ? rows.filter(({ run }) => run !== undefined) : rows;
  }

  async #watch(printing: PrintOptions<ListRow>, query: () => Promise<QueryResult>): Promise<number> {
    const { watchRows } = await import("./watch.ts");
    const { clock, stdout, signal } = this.context;
    await watchRows({
      ...printing,
      clock,
      signal,
      stdout,
      query,
      printWarning: (line) => this.printMessage(`warning: ${line}`),
    });
    return signal.aborted ? EXIT.interrupted : 0;
  }
}
