// kubectl prefect jobs: the flow runs' Jobs, as Kubernetes and as Prefect sees them.

import { Command, Option } from "clipanion";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { InventoryQuery } from "../../../inventory/load.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import { ListingCommand } from "../../options/listing-command.ts";
import type { Place } from "../../options/listing-command.ts";
import type { ListingStates } from "../../prefect-states.ts";

const INTERRUPTED = 130;

export class JobsCommand extends ListingCommand {
  static override paths = [["jobs"], ["get"], ["get", "jobs"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "list the flow runs' Jobs, with both sides' state and a verdict",
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

  stale = Option.Boolean("--stale", false, { description: "only what cleanup would take" });
  watch = Option.Boolean("-w,--watch", false, { description: "go on, and show what changes" });

  async execute(): Promise<number> {
    const printing = await this.#printing();
    const [place, states] = await Promise.all([this.place(), this.states()]);
    try {
      const query: InventoryQuery = {
        namespace: place.namespace,
        labelSelector: this.selector,
        fieldSelector: this.fieldSelector,
        dask: this.stale ? "all" : "pods",
        events: "podless",
        signal: this.context.signal,
      };
      if (this.watch) return await this.#watch({ place, states, query, printing });
      const { loadInventory } = await import("../../../inventory/load.ts");
      const inventory = await loadInventory(place.connection.kube, states.sources, query);
      const rows = await this.#rows(inventory, states);
      await this.#show(rows, printing);
      return this.#end(inventory, { rows: rows.length, namespace: place.namespace });
    } finally {
      await states.close();
      place.connection.kube.close();
    }
  }

  /** Everything that the flags say of the output; wrong ones fail before anything is asked. */
  async #printing(): Promise<PrintOptions<ListRow>> {
    const format = await this.format();
    const { listColumns } = await import("./columns.ts");
    const { resourceName, rowObject } = await import("../../../inventory/list-row.ts");
    const columns = listColumns(() => this.context.clock.now(), this.allNamespaces);
    if (this.sortBy !== undefined) {
      const { parseSortBy } = await import("../../../output/sort-by.ts");
      parseSortBy(this.sortBy, columns);
    }
    const palette = await this.palette();
    return { format, columns, palette, noHeaders: this.noHeaders, name: resourceName, toObject: rowObject };
  }

  async #rows(inventory: Inventory, states: ListingStates): Promise<readonly ListRow[]> {
    const { listRows } = await import("../../../inventory/list-row.ts");
    const now = this.context.clock.now();
    const rows = listRows(inventory, now);
    const selected = this.selector === undefined && this.fieldSelector === undefined;
    const wanted = selected ? rows : rows.filter(({ run }) => run !== undefined);
    if (!this.stale) return wanted;
    const { staleRows } = await import("../../cleanup-preview.ts");
    return staleRows(wanted, { inventory, apis: states.addresses, now });
  }

  async #show(rows: readonly ListRow[], printing: PrintOptions<ListRow>): Promise<void> {
    const { printRows } = await import("../../../output/print-rows.ts");
    const write = (text: string): void => this.print(text);
    if (this.sortBy === undefined) return printRows(rows, printing, write);
    const { parseSortBy, sortRows } = await import("../../../output/sort-by.ts");
    const sortBy = parseSortBy(this.sortBy, printing.columns);
    printRows(sortRows(rows, sortBy, printing.toObject), printing, write);
  }

  #end(
    inventory: Inventory,
    found: { readonly rows: number; readonly namespace: string | undefined },
  ): number {
    const refusal = inventory.refusals?.get("jobs");
    if (refusal !== undefined) throw refusal;
    if (found.rows === 0) this.tellEmpty(found.namespace);
    this.tellGaps(inventory.gaps);
    return 0;
  }

  async #watch(given: {
    readonly place: Place;
    readonly states: ListingStates;
    readonly query: InventoryQuery;
    readonly printing: PrintOptions<ListRow>;
  }): Promise<number> {
    const { place, states, query, printing } = given;
    const { watchInventory } = await import("../../../inventory/watch-inventory.ts");
    const { ListingWatch } = await import("./watch.ts");
    const { clock, stdout, signal } = this.context;
    const screen = new ListingWatch(stdout, { ...printing, sortBy: this.sortBy });
    const deps = { kube: place.connection.kube, clock, sources: states.sources };
    const onResize = (): void => screen.resized();
    stdout.on("resize", onResize);
    try {
      await watchInventory(deps, query, async (inventory) => {
        const rows = await this.#rows(inventory, states);
        if (inventory.gaps.length > 0) screen.giveWay();
        this.tellGaps(inventory.gaps);
        screen.show(rows);
      });
    } finally {
      stdout.off("resize", onResize);
      screen.end();
    }
    return signal.aborted ? INTERRUPTED : 0;
  }
}
