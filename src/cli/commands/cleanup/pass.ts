// One pass of `cleanup`: look, plan, show, ask, sweep, tell.

import { InterruptedError } from "../../../base/errors.ts";
import { freshStates } from "../../../cleanup/recheck-context.ts";
import type { Plan, PlanItem } from "../../../cleanup/item.ts";
import { Throttle, throttled } from "../../../cleanup/throttle.ts";
import { planCleanup } from "../../../cleanup/plan.ts";
import type { PlanOptions } from "../../../cleanup/plan.ts";
import { sweep } from "../../../cleanup/sweep.ts";
import type { Done } from "../../../cleanup/sweep.ts";
import { countsText } from "../../../cleanup/counts.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { Connection } from "../../../kube/client/connect.ts";
import { Progress } from "../../../output/progress.ts";
import type { ListFormat } from "../../../output/formats.ts";
import { isTerminal } from "../../options/base-command.ts";
import { confirm } from "../../../output/prompt.ts";
import type { Palette } from "../../../output/palette.ts";
import { tableLines } from "../../../output/table.ts";
import { toYaml } from "../../../output/yaml.ts";
import { deletedLine, keptLine, nameOf, planColumns, planObject, summary, troubleLines } from "./report.ts";
import { lookAround } from "./namespaces.ts";
import type { Look, Namespaces } from "./namespaces.ts";
import { resolveRun } from "../../flow-run-ref.ts";
import type { CliContext } from "../../context.ts";
import type { RunDirectories } from "../../run-directories.ts";

/** What a pass was told. */
export interface PassSettings {
  readonly plan: Omit<PlanOptions, "runs">;
  readonly runs: readonly string[] | undefined;
  readonly selector: string | undefined;
  readonly mode: "ask" | "act" | "show" | "rehearse";
  readonly output: ListFormat;
  /** Says nothing when there is nothing to do: one pass of many. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly palette: Palette;
}

/** What a pass works on. */
export interface CleanupWorld {
  readonly place: { readonly connection: Connection; readonly namespaces: Namespaces };
  readonly directories: RunDirectories;
}

const NOTHING: Readonly<Record<Look["blindness"], string>> = {
  none: "nothing to clean up",
  some: "nothing to clean up where it could be seen",
  all: "nothing removed: Jobs may not be listed",
};
const SOME_FAILED = 1;
const KUBERNETES_FAILED = 4;
const INTERRUPTED = 130;

/** One `cleanup`, as often as it is run. */
export class CleanupPass {
  readonly #context: CliContext;
  readonly #world: CleanupWorld;
  readonly #settings: PassSettings;

  constructor(context: CliContext, world: CleanupWorld, settings: PassSettings) {
    this.#context = context;
    this.#world = world;
    this.#settings = settings;
  }

  /** The exit code. Throws KubeError when the cluster cannot be asked, InterruptedError at an interrupted question. */
  async run(): Promise<number> {
    const { inventory, blindness } = await this.#look();
    const plan = await this.#plan(inventory);
    this.#tellAround(inventory, plan);
    const code = await this.#carryOut(plan, { ...inventory, blindness });
    if (code !== 0 || blindness === "none") return code;
    return blindness === "all" ? KUBERNETES_FAILED : SOME_FAILED;
  }

  async #look(): Promise<Look> {
    const { place, directories } = this.#world;
    const { clock, signal } = this.#context;
    const { selector: labelSelector, plan } = this.#settings;
    const { namespaces, connection } = place;
    const query = { labelSelector, signal, dask: plan.dask ? ("all" as const) : undefined };
    const kube = throttled(connection.kube, new Throttle(clock), signal);
    const look = await lookAround({ kube, sources: directories.byVersion }, namespaces, query);
    // A selector means Jobs; Dask comes along with the runs that have one.
    return labelSelector === undefined
      ? look
      : { ...look, inventory: { ...look.inventory, unownedDask: [] } };
  }

  async #plan(inventory: Inventory): Promise<Plan> {
    const { runs, plan } = this.#settings;
    const now = this.#context.clock.now();
    if (runs === undefined) return planCleanup(inventory, { ...plan, runs: undefined }, now);
    const { place, directories } = this.#world;
    const namespace = place.namespaces?.length === 1 ? place.namespaces[0] : undefined;
    const options = { inventory, namespace, directories, signal: this.#context.signal, mustBeUnique: true };
    const named = await Promise.all(runs.map((text) => resolveRun(text, options)));
    return planCleanup(inventory, { ...plan, runs: new Set(named.map(({ id }) => id)) }, now);
  }

  #tellAround({ warnings }: Inventory, plan: Plan): void {
    const { quiet, verbose } = this.#settings;
    if (!quiet || verbose) for (const gap of warnings) this.#tell(`note: ${gap}`);
    if (verbose) for (const left of plan.kept) this.#tell(keptLine(left));
  }

  async #carryOut(
    plan: Plan,
    { warnings, blindness }: Pick<Inventory, "warnings"> & Pick<Look, "blindness">,
  ): Promise<number> {
    const { mode, output, quiet } = this.#settings;
    if (plan.items.length === 0) {
      if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings));
      if (!quiet) this.#tell(`${NOTHING[blindness]}${keptWords(plan)}`);
      return 0;
    }
    if (mode === "show") {
      this.#show(plan, warnings);
      return 0;
    }
    if (mode === "ask") {
      // What is asked about is for the person; -o says what is to come out of it.
      if (this.#isTable()) this.#print(this.#tableText(plan));
      else this.#context.stderr.write(this.#tableText(plan));
      if (!(await this.#isAgreed(plan))) {
        this.#tell("nothing removed");
        return 0;
      }
    }
    const done = await this.#sweep(plan.items);
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings, done));
    return this.#tellDone(done);
  }

  #show(plan: Plan, warnings: readonly string[]): void {
    const { output } = this.#settings;
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, warnings));
    else if (output === "name") this.#print(plan.items.map((item) => `${nameOf(item)}\n`).join(""));
    else this.#print(this.#tableText(plan));
    this.#tell(`would remove ${countsText(plan.items)}${keptWords(plan)}`);
  }

  async #isAgreed(plan: Plan): Promise<boolean> {
    const { stdin, stderr, signal } = this.#context;
    const question = `Remove ${countsText(plan.items)}${keptWords(plan)}?`;
    return confirm(question, { input: stdin, output: stderr }, signal);
  }

  async #sweep(items: readonly PlanItem[]): Promise<readonly Done[]> {
    const { clock, signal, stdout, stderr } = this.#context;
    const { place, directories } = this.#world;
    const { mode } = this.#settings;
    const progress = new Progress(stderr, clock);
    let count = 0;
    try {
      return await sweep(
        {
          kube: place.connection.kube,
          states: freshStates(directories.byVersion, signal),
          clock,
          onDone: (done) => {
            const line = this.#deletedText(done);
            if (line !== undefined) {
              // Both are the terminal's: below the progress line it would be written over.
              if (isTerminal(stdout)) progress.clear();
              this.#print(line);
            }
            progress.update(`cleaning up: ${++count} of ${items.length}`);
          },
        },
        items,
        { signal, dryRun: mode === "rehearse" },
      );
    } finally {
      progress.clear();
    }
  }

  /** Told at once: what went stays told, whatever happens next. On a terminal the table above has said it all. */
  #deletedText({ item, outcome }: Done): string | undefined {
    const { mode, output } = this.#settings;
    const isTold = output === "name" || (this.#isTable() && mode !== "ask");
    if (outcome.kind !== "deleted" || !isTold) return undefined;
    return `${output === "name" ? nameOf(item) : deletedLine(item, mode === "rehearse")}\n`;
  }

  #tellDone(done: readonly Done[]): number {
    for (const line of troubleLines(done)) this.#tell(line);
    this.#tell(summary(done, this.#settings.mode === "rehearse"));
    if (done.some(({ outcome }) => outcome.kind === "untried")) return INTERRUPTED;
    return done.some(({ outcome }) => outcome.kind === "failed") ? 1 : 0;
  }

  #isTable(): boolean {
    return this.#settings.output === "table" || this.#settings.output === "wide";
  }

  #tableText(plan: Plan): string {
    const { output, palette } = this.#settings;
    const { namespaces } = this.#world.place;
    const columns = planColumns(this.#context.clock.now(), namespaces?.length !== 1);
    const lines = tableLines(columns, plan.items, { wide: output === "wide", palette });
    return `${lines.join("\n")}\n`;
  }

  #printObject(object: ReturnType<typeof planObject>): void {
    this.#print(this.#settings.output === "yaml" ? toYaml(object) : `${JSON.stringify(object, null, 4)}\n`);
  }

  #print(text: string): void {
    this.#context.stdout.write(text);
  }

  #tell(line: string): void {
    this.#context.stderr.write(`${line}\n`);
  }
}

/** Runs passes until the signal; a pass that fails is told, and the next one tries again. */
export async function repeatedly(
  run: () => Promise<number>,
  context: Pick<CliContext, "clock" | "signal">,
  how: { readonly everyMs: number; readonly tell: (error: unknown) => void },
): Promise<number> {
  while (!context.signal.aborted) {
    try {
      await run();
    } catch (error) {
      if (error instanceof InterruptedError || context.signal.aborted) break;
      how.tell(error);
    }
    await context.clock.sleep(how.everyMs, context.signal);
  }
  return 0;
}

function keptWords({ kept }: Plan): string {
  return kept.length === 0 ? "" : ` (${kept.length} left alone, -v says why)`;
}
