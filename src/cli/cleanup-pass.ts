// One pass of `cleanup`: look, plan, show, ask, sweep, tell.

import { InterruptedError } from "../base/errors.ts";
import { askStatesOf } from "../cleanup/ask-states.ts";
import type { Plan, PlanItem } from "../cleanup/item.ts";
import { planCleanup } from "../cleanup/plan.ts";
import type { PlanOptions } from "../cleanup/plan.ts";
import { sweep } from "../cleanup/sweep.ts";
import type { Done } from "../cleanup/sweep.ts";
import { tally } from "../cleanup/tally.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { loadInventory } from "../inventory/load-inventory.ts";
import { Progress } from "../output/progress.ts";
import { confirm } from "../output/prompt.ts";
import type { Palette } from "../output/palette.ts";
import { tableLines } from "../output/table.ts";
import { toYaml } from "../output/yaml.ts";
import {
  deletedLine,
  leftAloneLine,
  nameOf,
  planColumns,
  planObject,
  summary,
  troubleLines,
} from "./cleanup-report.ts";
import { namedRun } from "./cleanup-runs.ts";
import type { CliContext } from "./context.ts";
import type { Place } from "./listing-command.ts";
import type { ListingStates } from "./listing-states.ts";

/** What a pass was told. */
export interface PassSettings {
  readonly plan: Omit<PlanOptions, "runs">;
  readonly runs: readonly string[] | undefined;
  readonly selector: string | undefined;
  readonly mode: "ask" | "act" | "show" | "rehearse";
  readonly output: "table" | "wide" | "json" | "yaml" | "name";
  /** Says nothing when there is nothing to do: one pass of many. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly palette: Palette;
}

const KUBERNETES_FAILED = 4;
const INTERRUPTED = 130;

/** One `cleanup`, as often as it is run. */
export class CleanupPass {
  readonly #context: CliContext;
  readonly #world: { readonly place: Place; readonly states: ListingStates };
  readonly #settings: PassSettings;

  constructor(
    context: CliContext,
    world: { readonly place: Place; readonly states: ListingStates },
    settings: PassSettings,
  ) {
    this.#context = context;
    this.#world = world;
    this.#settings = settings;
  }

  /** The exit code. Throws KubeError when the cluster cannot be asked, InterruptedError at an interrupted question. */
  async run(): Promise<number> {
    const inventory = await this.#look();
    const plan = await this.#plan(inventory);
    this.#tellAround(inventory, plan);
    const isBlind = inventory.unseen?.includes("jobs") === true;
    const code = await this.#carryOut(plan, inventory.gaps);
    return code === 0 && isBlind ? KUBERNETES_FAILED : code;
  }

  async #look(): Promise<Inventory> {
    const { place, states } = this.#world;
    const { signal } = this.#context;
    const { selector: labelSelector, plan } = this.#settings;
    const { namespace, connection } = place;
    const query = { namespace, labelSelector, signal, dask: plan.dask ? ("all" as const) : undefined };
    const inventory = await loadInventory(connection.kube, states.sources, query);
    // A selector means Jobs; Dask comes along with the runs that have one.
    return labelSelector === undefined ? inventory : { ...inventory, unownedDask: [] };
  }

  async #plan(inventory: Inventory): Promise<Plan> {
    const { runs, plan } = this.#settings;
    const now = this.#context.clock.now();
    if (runs === undefined) return planCleanup(inventory, { ...plan, runs: undefined }, now);
    const named = await Promise.all(runs.map((text) => namedRun(text, inventory.runs, this.#world.states)));
    return planCleanup(inventory, { ...plan, runs: new Set(named.map(({ id }) => id)) }, now);
  }

  #tellAround({ gaps }: Inventory, plan: Plan): void {
    const { quiet, verbose } = this.#settings;
    if (!quiet || verbose) for (const gap of gaps) this.#tell(`note: ${gap}`);
    if (verbose) for (const left of plan.leftAlone) this.#tell(leftAloneLine(left));
  }

  async #carryOut(plan: Plan, gaps: readonly string[]): Promise<number> {
    const { mode, output, quiet } = this.#settings;
    if (plan.items.length === 0) {
      if (output === "json" || output === "yaml") this.#printObject(planObject(plan, gaps));
      if (!quiet) this.#tell(`nothing to clean up${leftAloneWords(plan)}`);
      return 0;
    }
    if (mode === "show") {
      this.#show(plan, gaps);
      return 0;
    }
    if (mode === "ask") {
      this.#printTable(plan);
      if (!(await this.#isAgreed(plan))) {
        this.#tell("nothing removed");
        return 0;
      }
    }
    const done = await this.#sweep(plan.items);
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, gaps, done));
    return this.#tellDone(done);
  }

  #show(plan: Plan, gaps: readonly string[]): void {
    const { output } = this.#settings;
    if (output === "json" || output === "yaml") this.#printObject(planObject(plan, gaps));
    else if (output === "name") this.#print(plan.items.map((item) => `${nameOf(item)}\n`).join(""));
    else this.#printTable(plan);
    this.#tell(`would remove ${tally(plan.items)}${leftAloneWords(plan)}`);
  }

  async #isAgreed(plan: Plan): Promise<boolean> {
    const { stdin, stderr, signal } = this.#context;
    const question = `Remove ${tally(plan.items)}${leftAloneWords(plan)}?`;
    return confirm(question, { input: stdin, output: stderr }, signal);
  }

  async #sweep(items: readonly PlanItem[]): Promise<readonly Done[]> {
    const { clock, signal, stderr } = this.#context;
    const { place, states } = this.#world;
    const { mode } = this.#settings;
    const progress = new Progress(stderr, clock);
    let count = 0;
    try {
      return await sweep(
        {
          kube: place.connection.kube,
          states: askStatesOf(states.sources, signal),
          clock,
          onDone: (done) => {
            progress.update(`removed ${++count} of ${items.length}`);
            this.#tellDeleted(done);
          },
        },
        items,
        { signal, dryRun: mode === "rehearse" },
      );
    } finally {
      progress.clear();
    }
  }

  /** At once: what went stays told, whatever happens next. On a terminal the table above has said it all. */
  #tellDeleted({ item, outcome }: Done): void {
    const { mode, output } = this.#settings;
    if (outcome.kind !== "deleted" || mode === "ask" || output === "json" || output === "yaml") return;
    this.#print(`${output === "name" ? nameOf(item) : deletedLine(item, mode === "rehearse")}\n`);
  }

  #tellDone(done: readonly Done[]): number {
    for (const line of troubleLines(done)) this.#tell(line);
    this.#tell(summary(done, this.#settings.mode === "rehearse"));
    if (done.some(({ outcome }) => outcome.kind === "untried")) return INTERRUPTED;
    return done.some(({ outcome }) => outcome.kind === "failed") ? 1 : 0;
  }

  #printTable(plan: Plan): void {
    const { output, palette } = this.#settings;
    const columns = planColumns(this.#context.clock.now(), this.#world.place.namespace === undefined);
    const lines = tableLines(columns, plan.items, { wide: output === "wide", palette });
    this.#print(`${lines.join("\n")}\n`);
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

function leftAloneWords({ leftAlone }: Plan): string {
  return leftAlone.length === 0 ? "" : ` (${leftAlone.length} left alone, -v says why)`;
}
