// kubectl prefect jobs: the flow runs' Jobs, as Kubernetes and as Prefect sees them.

import type { InventoryQuery } from "../../../inventory/query.ts";
import { Command, Option } from "clipanion";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { LIST_FORMATS, parseOutputFormat } from "../../../output/formats.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { RunDirectories } from "../../run-directories.ts";
import type { Found } from "./watch.ts";

const INTERRUPTED = 130;

export class JobsCommand extends NamespacedCommand {
  static override paths = [["jobs"], ["get"], ["get", "jobs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "list the flow runs' Jobs, with both sides' state and a decision",
    details: `
      Shows the Jobs of Prefect 0.x to 3: the flow run's state in Prefect, the pods in Kubernetes, and what an agent
      makes of both (active, pending, stuck, failed, finished, orphaned, cancelled; -o wide says why). Works without a
      Prefect API; states are then unknown. Prefect 1's is taken from --api or its configuration, that of Prefect 2
      and 3 from PREFECT_API_URL.
    `,
    examples: [
      ["What is going on in the current namespace", "$0 jobs"],
      ["In all namespaces, and why", "$0 jobs -A -o wide"],
      ["What cleanup would take", "$0 jobs --stale"],
      ["Follow it", "$0 jobs -w"],
    ],
  });

  selector = Option.String("-l,--selector", { description: "label selector for Jobs" });
  fieldSelector = Option.String("--field-selector", { description: "field selector for Jobs" });
  output = Option.String("-o,--output", { description: "table (default), wide, json, yaml or name" });
  noHeaders = Option.Boolean("--no-headers", false, { description: "no header line" });
  stale = Option.Boolean("--stale", false, { description: "only what cleanup would take" });
  watch = Option.Boolean("-w,--watch", false, { description: "watch for changes" });

  async execute(): Promise<number> {
    const printing = await this.#printing();
    const [place, directories] = await Promise.all([this.place(), this.directories()]);
    try {
      const query: InventoryQuery = {
        namespace: place.namespace,
        labelSelector: this.selector,
        fieldSelector: this.fieldSelector,
        dask: this.stale ? "all" : "pods",
        events: "no-pods",
        signal: this.context.signal,
      };
      const { loadInventory } = await import("../../../inventory/load.ts");
      const load = async (): Promise<Inventory> => {
        const inventory = await loadInventory(place.connection.kube, directories.byVersion, query);
        const refusal = inventory.refusals?.get("jobs");
        if (refusal !== undefined) throw refusal;
        return inventory;
      };
      if (this.watch) {
        return await this.#watch(printing, async () => {
          const inventory = await load();
          return { rows: await this.#rows(inventory, directories), notes: inventory.warnings };
        });
      }
      const inventory = await load();
      const rows = await this.#rows(inventory, directories);
      const { printRows } = await import("../../../output/print-rows.ts");
      printRows(rows, printing, (text) => this.print(text));
      if (rows.length === 0) this.noteNothingFound(place.namespace);
      this.noteWarnings(inventory.warnings);
      return 0;
    } finally {
      directories.close();
      place.connection.kube.close();
    }
  }

  /** Everything that the flags say of the output; wrong ones fail before anything is asked. */
  async #printing(): Promise<PrintOptions<ListRow>> {
    const format = parseOutputFormat(this.output, LIST_FORMATS);
    const { listColumns } = await import("./columns.ts");
    const { resourceName, rowObject } = await import("../../../inventory/list-row.ts");
    const columns = listColumns(() => this.context.clock.now(), this.allNamespaces);
    const palette = await this.palette();
    return { format, columns, palette, noHeaders: this.noHeaders, name: resourceName, toObject: rowObject };
  }

  async #rows(inventory: Inventory, directories: RunDirectories): Promise<readonly ListRow[]> {
    const { listRows } = await import("../../../inventory/list-row.ts");
    const now = this.context.clock.now();
    const rows = listRows(inventory, now);
    const selected = this.selector === undefined && this.fieldSelector === undefined;
    const wanted = selected ? rows : rows.filter(({ run }) => run !== undefined);
    if (!this.stale) return wanted;
    const { staleRows } = await import("../../cleanup-preview.ts");
    return staleRows(wanted, { inventory, apis: directories.addresses, now });
  }

  async #watch(printing: PrintOptions<ListRow>, query: () => Promise<Found>): Promise<number> {
    const { watchRows } = await import("./watch.ts");
    const { clock, stdout, signal } = this.context;
    await watchRows({
      ...printing,
      clock,
      signal,
      stdout,
      query,
      note: (line) => this.note(`note: ${line}`),
    });
    return signal.aborted ? INTERRUPTED : 0;
  }
}
