// kubectl prefect cancel: cancel flow runs in Prefect, and remove what they have in the cluster.

import type { InventoryQuery } from "../../../inventory/query.ts";
import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { CancelDeps, Cancelled, CancelOptions } from "../../../cleanup/cancel.ts";
import type { OwnerRun } from "../../../cleanup/item.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { Place } from "../../options/namespaced-command.ts";
import type { RunDirectories } from "../../run-directories.ts";

const INTERRUPTED = 130;
/** What is written must not be given up as soon as what is only shown. */
const DEADLINE_MS = 30_000;

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
    const [place, directories] = await Promise.all([this.place(), this.directories(DEADLINE_MS)]);
    try {
      return await this.#cancel({ place, directories }, options);
    } finally {
      directories.close();
      place.connection.kube.close();
    }
  }

  async #cancel(
    sources: { readonly place: Place; readonly directories: RunDirectories },
    options: CancelOptions,
  ): Promise<number> {
    const { cancelRuns } = await import("../../../cleanup/cancel.ts");
    const { freshStates } = await import("../../../cleanup/recheck-context.ts");
    const { deletedLine } = await import("../cleanup/report.ts");
    const { Progress } = await import("../../../output/progress.ts");
    const { clock, signal, stderr } = this.context;
    const { place, directories } = sources;
    const progress = new Progress(stderr, clock);
    // All runs: whose a Dask cluster is shows only beside those whose it might be as well.
    const look = (): Promise<Inventory> => this.#look(sources, { dask: "all" });
    const inventory = await look();
    const runs = await this.#runs(inventory, sources);
    const deps: CancelDeps = {
      kube: place.connection.kube,
      look,
      poll: ([...ids]) => this.#look(sources, { flowRunId: ids.length === 1 ? ids[0] : undefined }),
      states: freshStates(directories.byVersion, signal),
      prefect: this.keepState ? undefined : directories.byVersion,
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
    { place, directories }: { readonly place: Place; readonly directories: RunDirectories },
    what: Pick<InventoryQuery, "dask" | "flowRunId">,
  ): Promise<Inventory> {
    const { loadInventory } = await import("../../../inventory/load.ts");
    const { Throttle, throttled } = await import("../../../cleanup/throttle.ts");
    const { clock, signal } = this.context;
    const kube = throttled(place.connection.kube, new Throttle(clock), signal);
    return loadInventory(kube, directories.byVersion, { namespace: place.namespace, signal, ...what });
  }

  async #runs(
    inventory: Inventory,
    { place, directories }: { readonly place: Place; readonly directories: RunDirectories },
  ): Promise<readonly OwnerRun[]> {
    const { resolveRun } = await import("../../flow-run-ref.ts");
    const { signal } = this.context;
    const options = { inventory, namespace: place.namespace, directories, signal, mustBeUnique: true };
    const found = await Promise.all(this.targets.map((text) => resolveRun(text, options)));
    const distinct = [...new Map(found.map((run) => [run.id, run])).values()];
    return distinct.map((run) => ({ ...run, namespace: run.namespace ?? place.namespace ?? "" }));
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
