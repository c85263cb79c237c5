// One pass of `cleanup`: list, plan, show, ask, delete, report.

import { EXIT, InterruptedError } from "../../../base/errors.ts";
import { currentStates } from "../../../cleanup/recheck-context.ts";
import type { Plan, PlanItem } from "../../../cleanup/item.ts";
import { Throttle, throttled } from "../../../cleanup/throttle.ts";
import { planCleanup } from "../../../cleanup/plan.ts";
import type { PlanOptions } from "../../../cleanup/plan.ts";
import { sweep } from "../../../cleanup/sweep.ts";
import type { ItemResult } from "../../../cleanup/sweep.ts";
import { countsText } from "../../../cleanup/counts.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { Connection } from "../../../kube/client/connect.ts";
import { Progress } from "../../../output/progress.ts";
import { escapeUnprintable, writeStyled } from "../../../output/clean.ts";
import type { ListFormat } from "../../../output/formats.ts";
import { isTerminal } from "../../options/base-command.ts";
import { confirm } from "../../../output/prompt.ts";
import type { Palette } from "../../../output/palette.ts";
import { tableLines } from "../../../output/table.ts";
import { terminalWidth } from "../../../output/terminal.ts";
import type { TerminalStream } from "../../../output/terminal.ts";
import { toYaml } from "../../../output/yaml.ts";
import { deletedLine, keptLine, nameOf, planColumns, planObject, summary, problemLines } from "./report.ts";
import { listCluster } from "./namespaces.ts";
import type { ClusterListing, Namespaces } from "./namespaces.ts";
import { resolveRun } from "../../flow-run-ref.ts";
import type { CliContext } from "../../context.ts";
import type { RunDirectories } from "../../run-directories.ts";

/** The options of a pass. */
export interface PassSettings {
  readonly plan: Omit<PlanOptions, "runs">;
  readonly runs: readonly string[] | undefined;
  readonly selector: string | undefined;
  readonly onlyPrefect: boolean;
  readonly mode: "ask" | "delete" | "dry-run" | "server-dry-run";
  readonly output: ListFormat;
  /** Print nothing when there is nothing to do: for --every. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly palette: Palette;
}

export interface CleanupDeps {
  readonly scope: { readonly connection: Connection; readonly namespaces: Namespaces };
  readonly directories: RunDirectories;
  /** Prints a message for people. */
  readonly printMessage: (line: string) => void;
}

const NOTHING_TO_REMOVE: Readonly<Record<ClusterListing["forbiddenJobs"], string>> = {
  none: "nothing to clean up",
  some: "nothing to clean up in the namespaces that could be listed",
  all: "nothing removed: no permission to list Jobs",
};
const SOME_FAILED = 1;
const KUBERNETES_FAILED = 4;

/** One `cleanup`; with --every it runs again and again. */
export class CleanupPass {
  readonly #context: CliContext;
  readonly #deps: CleanupDeps;
  readonly #settings: PassSettings;

  constructor(context: CliContext, deps: CleanupDeps, settings: PassSettings) {
    this.#context = context;
    this.#deps = deps;
    this.#settings = settings;
  }

  /** The exit code. Throws KubeError when nothing can be listed, InterruptedError when the prompt is interrupted. */
  async run(): Promise<number> {
    const { inventory, forbiddenJobs } = await this.#list();
    const plan = await this.#plan(inventory);
    this.#printWarnings(inventory, plan);
    const code = await this.#execute(plan, { ...inventory, forbiddenJobs });
    if (code !== 0 || forbiddenJobs === "none") return code;
    return forbiddenJobs === "all" ? KUBERNETES_FAILED : SOME_FAILED;
  }

  async #list(): Promise<ClusterListing> {
    const { scope, directories } = this.#deps;
    const { clock, signal } = this.#context;
    const { selector: labelSelector, plan, onlyPrefect } = this.#settings;
    const { namespaces, connection } = scope;
    const query = { labelSelector, signal, onlyPrefect, dask: plan.dask ? ("all" as const) : undefined };
    const kube = throttled(connection.kube, new Throttle(clock), signal);
    const listing = await listCluster({ kube, sources: directories.byVersion }, namespaces, query);
    // With a label selector only the Dask clusters of the selected runs.
    return labelSelector === undefined
      ? listing
      : { ...listing, inventory: { ...listing.inventory, unownedDask: [] } };
  }

  async #plan(inventory: Inventory): Promise<Plan> {
    const { runs, plan } = this.#settings;
    const now = this.#context.clock.now();
    if (runs === undefined) return planCleanup(inventory, { ...plan, runs: undefined }, now);
    const { scope, directories } = this.#deps;
    const namespace = scope.namespaces?.length === 1 ? scope.namespaces[0] : undefined;
    const { signal } = this.#context;
    const options = { inventory, namespace, directories, signal, now, mustBeUnique: true };
    const named = await Promise.all(runs.map((text) => resolveRun(text, options)));
    return planCleanup(inventory, { ...plan, runs: new Set(named.map(({ id }) => id)) }, now);
  }

  #printWarnings({ warnings }: Inventory, plan: Plan): void {
    const { quiet, verbose } = this.#settings;
    if (!quiet || verbose) for (const warning of warnings) this.#deps.printMessage(`warning: ${warning}`);
    if (verbose) for (const object of plan.kept) this.#deps.printMessage(keptLine(object));
  }

  async #execute(
    plan: Plan,
    { warnings, forbiddenJobs }: Pick<Inventory, "warnings"> & Pick<ClusterListing, "forbiddenJobs">,
  ): Promise<number> {
    const { mode, output, quiet } = this.#settings;
    if (plan.items.length === 0) {
      if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings));
      if (!quiet) this.#deps.printMessage(`${NOTHING_TO_REMOVE[forbiddenJobs]}${keptText(plan)}`);
      return 0;
    }
    if (mode === "dry-run") {
      this.#show(plan, warnings);
      return 0;
    }
    if (mode === "ask") {
      // The table is part of the question; -o json, yaml and name get stdout for themselves.
      const { stdout, stderr } = this.#context;
      const stream = this.#isTable() ? stdout : stderr;
      writeStyled(stream, this.#tableText(plan, stream));
      if (!(await this.#isConfirmed(plan))) {
        this.#deps.printMessage("nothing removed");
        return 0;
      }
    }
    const done = await this.#sweep(plan.items);
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings, done));
    return this.#printResult(done);
  }

  #show(plan: Plan, warnings: readonly string[]): void {
    const { output } = this.#settings;
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings));
    else if (output === "name") this.#print(plan.items.map((item) => `${nameOf(item)}\n`).join(""));
    else writeStyled(this.#context.stdout, this.#tableText(plan, this.#context.stdout));
    this.#deps.printMessage(`would remove ${countsText(plan.items)}${keptText(plan)}`);
  }

  async #isConfirmed(plan: Plan): Promise<boolean> {
    const { stdin, stderr, signal } = this.#context;
    const question = `Remove ${countsText(plan.items)}${keptText(plan)}?`;
    return confirm(question, { input: stdin, output: stderr }, signal);
  }

  async #sweep(items: readonly PlanItem[]): Promise<readonly ItemResult[]> {
    const { clock, signal, stdout, stderr } = this.#context;
    const { scope, directories } = this.#deps;
    const { mode } = this.#settings;
    const progress = new Progress(stderr, clock);
    let count = 0;
    try {
      return await sweep(
        {
          kube: scope.connection.kube,
          readStates: currentStates(directories.byVersion, signal),
          clock,
          onDone: (done) => {
            const line = this.#deletedText(done);
            if (line !== undefined) {
              // On a terminal the progress line would overwrite it.
              if (isTerminal(stdout)) progress.clear();
              this.#print(line);
            }
            progress.update(`cleaning up: ${++count} of ${items.length}`);
          },
        },
        items,
        { signal, dryRun: mode === "server-dry-run" },
      );
    } finally {
      progress.clear();
    }
  }

  /** Printed at once; not after a question, whose table shows it already. */
  #deletedText({ item, outcome }: ItemResult): string | undefined {
    const { mode, output } = this.#settings;
    const isPrinted = output === "name" || (this.#isTable() && mode !== "ask");
    if (outcome.kind !== "deleted" || !isPrinted) return undefined;
    return `${output === "name" ? nameOf(item) : deletedLine(item, mode === "server-dry-run")}\n`;
  }

  #printResult(done: readonly ItemResult[]): number {
    for (const line of problemLines(done)) this.#deps.printMessage(line);
    this.#deps.printMessage(summary(done, this.#settings.mode === "server-dry-run"));
    if (done.some(({ outcome }) => outcome.kind === "not attempted")) return EXIT.interrupted;
    return done.some(({ outcome }) => outcome.kind === "failed") ? 1 : 0;
  }

  #isTable(): boolean {
    return this.#settings.output === "table" || this.#settings.output === "wide";
  }

  #tableText(plan: Plan, stream: TerminalStream): string {
    const { output, palette } = this.#settings;
    const { namespaces } = this.#deps.scope;
    const columns = planColumns(this.#context.clock.now(), namespaces?.length !== 1);
    const options = { wide: output === "wide", palette, width: terminalWidth(stream) };
    const lines = tableLines(columns, plan.items, options);
    return `${lines.join("\n")}\n`;
  }

  #printObject(object: ReturnType<typeof planObject>): void {
    this.#print(
      this.#settings.output === "yaml"
        ? toYaml(object)
        : `${escapeUnprintable(JSON.stringify(object, null, 4))}\n`,
    );
  }

  #print(text: string): void {
    this.#context.stdout.write(text);
  }
}

/** Runs passes until the signal aborts; errors of a pass are reported, and the next one tries again. */
export async function repeatedly(
  run: () => Promise<number>,
  context: Pick<CliContext, "clock" | "signal">,
  options: { readonly everyMs: number; readonly onError: (error: unknown) => void },
): Promise<number> {
  while (!context.signal.aborted) {
    try {
      await run();
    } catch (error) {
      if (error instanceof InterruptedError || context.signal.aborted) break;
      options.onError(error);
    }
    await context.clock.sleep(options.everyMs, context.signal);
  }
  return 0;
}

function keptText({ kept }: Plan): string {
  return kept.length === 0 ? "" : ` (${kept.length} kept; -v shows why)`;
}
