// One pass of `cleanup`: list, plan, show, ask, delete, report.

import { EXIT, InterruptedError } from "../../../base/errors.ts";
import { countsText } from "../../../cleanup/counts.ts";
import type { Plan, PlanItem } from "../../../cleanup/item.ts";
import { planCleanup, type PlanOptions } from "../../../cleanup/plan.ts";
import { currentStates } from "../../../cleanup/recheck.ts";
import { retrying } from "../../../cleanup/retrying.ts";
import { sweep, type ItemResult } from "../../../cleanup/sweep.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { InventoryQuery } from "../../../inventory/load.ts";
import { writeStyled } from "../../../output/clean.ts";
import type { ListFormat } from "../../../output/formats.ts";
import { objectText } from "../../../output/object-text.ts";
import type { Palette } from "../../../output/palette.ts";
import { Progress } from "../../../output/progress.ts";
import { confirm } from "../../../output/prompt.ts";
import { tableLines } from "../../../output/table.ts";
import { terminalWidth, type TerminalStream } from "../../../output/terminal.ts";
import type { ClusterScope } from "../../cluster-scope.ts";
import type { CliContext } from "../../context.ts";
import { resolveRun } from "../../flow-run-ref.ts";
import { isTerminal } from "../../options/base-command.ts";
import { listCluster, type ClusterListing } from "./namespaces.ts";
import { deletedLine, keptLine, nameOf, planColumns, planObject, problemLines, summary } from "./report.ts";

/** What a pass works on, and its options. */
export interface CleanupPass {
  readonly context: CliContext;
  readonly scope: ClusterScope;
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly plan: Omit<PlanOptions, "runs">;
  readonly runs: readonly string[] | undefined;
  readonly query: Pick<InventoryQuery, "labelSelector" | "onlyPrefect">;
  readonly mode: "ask" | "delete" | "dry-run" | "server-dry-run";
  readonly output: ListFormat;
  /** Print nothing when there is nothing to do: for --every. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly palette: Palette;
  readonly printMessage: (line: string) => void;
  /** Prints what could not be read. */
  readonly printWarnings: (warnings: readonly string[]) => void;
}

/** What there is to say without anything to remove, and the exit code, by where listing Jobs is forbidden. */
const LISTINGS = {
  none: { nothing: "nothing to clean up", code: 0 },
  some: { nothing: "nothing to clean up in the namespaces that could be listed", code: EXIT.failure },
  // As any error of Kubernetes.
  all: { nothing: "nothing removed: no permission to list Jobs", code: 4 },
} as const;

/** The exit code. Throws KubeError when nothing can be listed, InterruptedError when the prompt is interrupted. */
export async function cleanUp(pass: CleanupPass): Promise<number> {
  const { verbose, printMessage } = pass;
  const listing = await list(pass);
  const plan = await planOf(pass, listing.inventory);
  pass.printWarnings(listing.inventory.warnings);
  if (verbose) for (const object of plan.kept) printMessage(keptLine(object));
  return (await execute(pass, plan, listing)) || LISTINGS[listing.forbiddenJobs].code;
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

/** Prints of the warnings of each pass those that the pass before did not have: an outage is told once. */
export function newWarnings(print: (warning: string) => void): CleanupPass["printWarnings"] {
  let before: ReadonlySet<string> = new Set();
  return (warnings) => {
    for (const warning of warnings) if (!before.has(subjectOf(warning))) print(warning);
    before = new Set(warnings.map(subjectOf));
  };
}

/** What a warning is about: not its cause, nor how many there are, which may change while it lasts. */
function subjectOf(warning: string): string {
  return warning.replace(/^\d+ /, "").replace(/: .*$/s, "");
}

async function list(pass: CleanupPass): Promise<ClusterListing> {
  const { plan, namespaces } = pass;
  const { clock, signal, directories: sources } = pass.scope;
  const query = { ...pass.query, signal, dask: plan.dask ? ("all" as const) : undefined };
  const kube = retrying(pass.scope.kube, clock, signal);
  const listing = await listCluster({ kube, sources }, namespaces, query);
  // With a label selector only the Dask clusters of the selected runs.
  if (query.labelSelector === undefined) return listing;
  return { ...listing, inventory: { ...listing.inventory, unownedDask: [] } };
}

async function planOf({ scope, namespaces, runs, plan }: CleanupPass, inventory: Inventory): Promise<Plan> {
  const namespace = namespaces?.length === 1 ? namespaces[0] : undefined;
  const options = { ...scope, inventory, namespace, mustBeUnique: true };
  const named = runs && (await Promise.all(runs.map((text) => resolveRun(text, options))));
  return planCleanup(
    inventory,
    { ...plan, runs: named && new Set(named.map(({ id }) => id)) },
    scope.clock.now(),
  );
}

async function execute(pass: CleanupPass, plan: Plan, listing: ClusterListing): Promise<number> {
  const { mode, output, quiet, context, printMessage } = pass;
  const { stdin, stdout, stderr, signal } = context;
  const kept = plan.kept.length === 0 ? "" : ` (${plan.kept.length} kept; -v shows why)`;
  const counts = `${countsText(plan.items)}${kept}`;
  const printObject = (done?: readonly ItemResult[]): void => {
    if (output !== "json" && output !== "yaml") return;
    stdout.write(objectText(planObject(plan, listing.inventory.warnings, done), output));
  };
  if (plan.items.length === 0) {
    printObject();
    if (!quiet) printMessage(`${LISTINGS[listing.forbiddenJobs].nothing}${kept}`);
    return 0;
  }
  if (mode === "dry-run") {
    printObject();
    if (output === "name") stdout.write(plan.items.map((item) => `${nameOf(item)}\n`).join(""));
    if (isTable(pass)) printTable(pass, plan, stdout);
    printMessage(`would remove ${counts}`);
    return 0;
  }
  if (mode === "ask") {
    // The table is part of the question; -o json, yaml and name get stdout for themselves.
    printTable(pass, plan, isTable(pass) ? stdout : stderr);
    if (!(await confirm(`Remove ${counts}?`, { input: stdin, output: stderr }, signal))) {
      printMessage("nothing removed");
      return 0;
    }
  }
  const done = await sweepItems(pass, plan.items);
  printObject(done);
  for (const line of problemLines(done)) printMessage(line);
  printMessage(summary(done, mode === "server-dry-run"));
  if (done.some(({ outcome }) => outcome.kind === "not attempted")) return EXIT.interrupted;
  return done.some(({ outcome }) => outcome.kind === "failed") ? EXIT.failure : 0;
}

async function sweepItems(pass: CleanupPass, items: readonly PlanItem[]): Promise<readonly ItemResult[]> {
  const { kube, directories, clock, signal } = pass.scope;
  const { stdout, stderr } = pass.context;
  const progress = new Progress(stderr, clock);
  let count = 0;
  const onDone = (done: ItemResult): void => {
    const line = deletedText(pass, done);
    // On a terminal the progress line would overwrite it.
    if (line !== undefined && isTerminal(stdout)) progress.clear();
    if (line !== undefined) stdout.write(`${line}\n`);
    progress.update(`cleaning up: ${++count} of ${items.length}`);
  };
  const readStates = currentStates(directories, signal);
  const dryRun = pass.mode === "server-dry-run";
  return sweep({ kube, readStates, clock, signal, dryRun, onDone }, items).finally(() => progress.clear());
}

/** Printed at once; not after a question, whose table shows it already. */
function deletedText(pass: CleanupPass, { item, outcome }: ItemResult): string | undefined {
  if (outcome.kind !== "deleted") return undefined;
  if (pass.output === "name") return nameOf(item);
  return isTable(pass) && pass.mode !== "ask" ? deletedLine(item, pass.mode === "server-dry-run") : undefined;
}

function isTable({ output }: CleanupPass): boolean {
  return output === "table" || output === "wide";
}

function printTable(pass: CleanupPass, plan: Plan, stream: TerminalStream): void {
  const { output, palette, namespaces, scope } = pass;
  const columns = planColumns(scope.clock.now(), namespaces?.length !== 1);
  const options = { wide: output === "wide", palette, width: terminalWidth(stream) };
  writeStyled(stream, `${tableLines(columns, plan.items, options).join("\n")}\n`);
}
