// kubectl prefect cancel: cancel flow runs in Prefect, and remove what they have in the cluster.

import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { CancelDeps, Cancelled, CancelOptions } from "../../../cleanup/cancel.ts";
import type { OwnerRun } from "../../../cleanup/item.ts";
import type { InventoryQuery } from "../../../inventory/load.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { CancelInPrefect } from "./cancel-in-prefect.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { Place } from "../../options/namespaced-command.ts";
import type { ListingStates } from "../../prefect-states.ts";

const INTERRUPTED = 130;

export class CancelCommand extends NamespacedCommand {
  static override paths = [["cancel"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "cancel flow runs, and remove all that they have in the cluster",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME for the run of a Job.
      Tells Prefect; waits until the flow has ended itself, which closes its Dask cluster, but no longer than --grace;
      deletes the run's Jobs with their pods, then what is left of its Dask clusters; and makes Cancelling Cancelled.

      Prints what it removed. Exits with 1 if something is left; objects annotated prefect.io/keep: "true" stay.
    `,
    examples: [
      ["Cancel a flow run", "$0 cancel quick-fox"],
      ["At once, without letting it end by itself", "$0 cancel job/prefect-job-1a2b3c4d --now"],
      ["Remove it from the cluster, and leave its state alone", "$0 cancel quick-fox --keep-state"],
    ],
  });

  targets = Option.Rest({ name: "RUN", required: 1 });
  grace = Option.String("--grace", "60s", { description: "how long a flow may take to end (default 60s)" });
  now = Option.Boolean("--now", false, { description: "do not wait for the flow to end by itself" });
  keepState = Option.Boolean("--keep-state", false, { description: "leave Prefect alone" });
  wait = Option.String("--wait", {
    tolerateBoolean: true,
    description: "wait until all is gone; --wait=false does not (default true)",
  });
  timeout = Option.String("--timeout", "60s", {
    description: "how long what was deleted may take to be gone (default 60s)",
  });

  async execute(): Promise<number> {
    const options: CancelOptions = {
      graceMs: this.now || this.keepState ? 0 : parseDuration(this.grace, "--grace"),
      timeoutMs: isWaiting(this.wait) ? parseDuration(this.timeout, "--timeout") : undefined,
    };
    const [place, states, config] = await Promise.all([this.place(), this.states(), this.prefectConfig()]);
    const { CancelInPrefect } = await import("./cancel-in-prefect.ts");
    const prefect = new CancelInPrefect(this.context, config, states);
    try {
      return await this.#cancel({ place, states, prefect }, options);
    } finally {
      await Promise.all([states.close(), prefect.close()]);
      place.connection.kube.close();
    }
  }

  async #cancel(
    world: { readonly place: Place; readonly states: ListingStates; readonly prefect: CancelInPrefect },
    options: CancelOptions,
  ): Promise<number> {
    const { cancelRuns } = await import("../../../cleanup/cancel.ts");
    const { askStatesOf } = await import("../../../cleanup/ask-states.ts");
    const { deletedLine } = await import("../cleanup/report.ts");
    const { Progress } = await import("../../../output/progress.ts");
    const { clock, signal, stderr } = this.context;
    const progress = new Progress(stderr, clock);
    // All runs: whose a Dask cluster is shows only beside those whose it might be as well.
    const look = (): Promise<Inventory> => this.#look(world.place, world.states, { dask: "all" });
    const inventory = await look();
    const runs = await this.#runs(inventory, world);
    const deps: CancelDeps = {
      kube: world.place.connection.kube,
      look,
      poll: ([...ids]) =>
        this.#look(world.place, world.states, { flowRunId: ids.length === 1 ? ids[0] : undefined }),
      states: askStatesOf(world.states.sources, signal),
      prefect: this.keepState ? undefined : world.prefect,
      clock,
      signal,
      note: (line) => progress.note(line),
      waiting: (line) => (line === undefined ? progress.clear() : progress.update(line)),
      onDone: ({ item, outcome }) => {
        progress.clear();
        if (outcome.kind === "deleted") this.print(`${deletedLine(item, false)}\n`);
      },
    };
    try {
      return await this.#report(await cancelRuns(deps, runs, options), inventory);
    } finally {
      progress.clear();
    }
  }

  async #look(
    { connection, namespace }: Place,
    { sources }: ListingStates,
    what: Pick<InventoryQuery, "dask" | "flowRunId">,
  ): Promise<Inventory> {
    const { loadInventory } = await import("../../../inventory/load.ts");
    const { Throttle, throttled } = await import("../../../cleanup/throttle.ts");
    const { clock, signal } = this.context;
    const kube = throttled(connection.kube, new Throttle(clock), signal);
    return loadInventory(kube, sources, { namespace, signal, ...what });
  }

  async #runs(
    inventory: Inventory,
    { place, states }: { readonly place: Place; readonly states: ListingStates },
  ): Promise<readonly OwnerRun[]> {
    const { namedRun } = await import("../cleanup/named-run.ts");
    const { ownerRun } = await import("../../../cleanup/run-lifecycle.ts");
    const named = await Promise.all(this.targets.map((text) => namedRun(text, inventory, states)));
    const distinct = [...new Map(named.map((run) => [run.id, run])).values()];
    return distinct.map(({ id, prefectVersion, name, view }) => {
      const here = inventory.runs.find(({ flowRunId }) => flowRunId === id);
      if (here !== undefined) return ownerRun(here);
      return { id, prefectVersion, name, view, namespace: place.namespace ?? "" };
    });
  }

  async #report({ done, kept, problems, interrupted }: Cancelled, { warnings }: Inventory): Promise<number> {
    const { keptLine, summary } = await import("../cleanup/report.ts");
    this.noteWarnings(warnings);
    for (const left of kept) this.note(keptLine(left));
    for (const problem of problems) this.note(`error: ${problem}`);
    this.note(interrupted && done.length === 0 ? "interrupted: nothing removed" : summary(done, false));
    if (interrupted) return INTERRUPTED;
    return problems.length > 0 ? 1 : 0;
  }
}

function isWaiting(given: string | boolean | undefined): boolean {
  if (given === undefined || given === true || given === "true") return true;
  if (given === false || given === "false") return false;
  throw new SettingsError(`cannot read --wait "${given}"`, { hint: "write --wait or --wait=false" });
}
