// One pass of `cleanup`: list, plan, show, ask, delete, report.

import { EXIT, InterruptedError } from "../../../base/errors.ts";
import type { JsonObject } from "../../../base/json.ts";
import { isUuid } from "../../../base/uuid.ts";
import { countsText, type Plan, type PlanItem } from "../../../cleanup/item.ts";
import { planCleanup, type PlanOptions } from "../../../cleanup/plan.ts";
import { currentStates } from "../../../cleanup/recheck.ts";
import { sweep, type ItemResult, type SweepDeps } from "../../../cleanup/sweep.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import type { InventoryQuery } from "../../../inventory/load.ts";
import { writeStyled } from "../../../output/clean.ts";
import type { ListFormat } from "../../../output/formats.ts";
import type { Paint } from "../../../output/palette.ts";
import { Progress } from "../../../output/progress.ts";
import { confirm } from "../../../output/prompt.ts";
import { tableLines } from "../../../output/table.ts";
import { terminalWidth, type TerminalStream } from "../../../output/terminal.ts";
import type { ListScope } from "../../cluster-scope.ts";
import type { CliContext } from "../../context.ts";
import { resolveRun } from "../../flow-run-ref.ts";
import { isTerminal } from "../../options/base-command.ts";
import { listCluster, type ClusterListing } from "./namespaces.ts";
import { deletedLine, keptLine, nameOf, planColumns, planObject, problemLines, summary } from "./report.ts";

/** What a pass works on, and its options. */
export interface CleanupPass {
  readonly context: CliContext;
  readonly scope: ListScope & Pick<SweepDeps, "kube">;
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly plan: Omit<PlanOptions, "runs">;
  readonly runs: readonly string[] | undefined;
  readonly query: Pick<InventoryQuery, "labelSelector" | "onlyPrefect">;
  readonly mode: "ask" | "delete" | "dry-run" | "server-dry-run";
  readonly output: ListFormat;
  /** Prints the plan as an object; undefined: `output` is for people, or names. */
  readonly printObject: ((object: JsonObject) => void) | undefined;
  /** Print nothing when there is nothing to do: for --every. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly paint: Paint;
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
  const runs = await runIds(pass, listing.inventory);
  const plan = planCleanup(listing.inventory, { ...pass.plan, runs }, pass.scope.now());
  pass.printWarnings(listing.inventory.warnings);
  if (verbose) for (const object of plan.kept) printMessage(keptLine(object));
  return (await execute(pass, { plan, listing, runs })) || LISTINGS[listing.forbiddenJobs].code;
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

async function list(pass: CleanupPass): Promise<ClusterListing> {
  const { plan, namespaces } = pass;
  const { kube, signal, directories: sources } = pass.scope;
  const query = { ...pass.query, signal, dask: plan.dask ? ("all" as const) : undefined };
  const listing = await listCluster({ kube, sources }, namespaces, query);
  // With a label selector only the Dask clusters of the selected runs.
  if (query.labelSelector === undefined) return listing;
  return { ...listing, inventory: { ...listing.inventory, unownedDask: [] } };
}

/** The ids of the runs that are named; one that is named by its id may have nothing here any more. */
async function runIds(
  { scope, namespaces, runs }: CleanupPass,
  inventory: Inventory,
): Promise<ReadonlySet<string> | undefined> {
  const namespace = namespaces?.length === 1 ? namespaces[0] : undefined;
  const options = { ...scope, inventory, namespace, mustBeUnique: true };
  const idOf = async (text: string): Promise<string> => {
    const isId = isUuid(text) && !inventory.runs.some(({ name }) => name === text);
    return isId ? text.toLowerCase() : (await resolveRun(text, options)).flowRunId;
  };
  return runs && new Set(await Promise.all(runs.map(idOf)));
}

/** What a pass has found. */
interface Found {
  readonly plan: Plan;
  readonly listing: ClusterListing;
  readonly runs: ReadonlySet<string> | undefined;
}

async function execute(pass: CleanupPass, found: Found): Promise<number> {
  const { plan, listing } = found;
  const { mode, output, quiet, context, printMessage } = pass;
  const { stdin, stdout, stderr, signal } = context;
  const kept = plan.kept.length === 0 ? "" : ` (${plan.kept.length} kept; -v shows why)`;
  const counts = `${countsText(plan.items)}${kept}`;
  const isDryRun = mode === "server-dry-run";
  const { warnings } = listing.inventory;
  const printObject = (done: readonly ItemResult[] = []): void =>
    pass.printObject?.({ ...planObject(plan, done, isDryRun), warnings });
  if (plan.items.length === 0) {
    if (!quiet) printObject();
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
  const { items, skipped } = mode === "ask" ? await agreedTo(pass, found) : { ...plan, skipped: [] };
  const done = [...skipped, ...(await sweepItems(pass, items))];
  printObject(done);
  for (const line of problemLines(done)) printMessage(line);
  printMessage(summary(done, isDryRun));
  if (done.some(({ outcome }) => outcome.kind === "not attempted")) return EXIT.interrupted;
  return done.some(({ outcome }) => outcome.kind === "failed") ? EXIT.failure : 0;
}

/** What the person has agreed to, as it is now: while they read, a pod may have been annotated, or a run restarted. */
async function agreedTo(
  pass: CleanupPass,
  { plan: { items }, runs }: Found,
): Promise<{ readonly items: readonly PlanItem[]; readonly skipped: readonly ItemResult[] }> {
  const now = planCleanup((await list(pass)).inventory, { ...pass.plan, runs }, pass.scope.now());
  const keyOf = (object: Parameters<typeof nameOf>[0]): string => `${object.ref.namespace}/${nameOf(object)}`;
  const kept = new Map(now.kept.map((object) => [keyOf(object), object.reason]));
  const skipped = items.flatMap((item): readonly ItemResult[] => {
    const reason = kept.get(keyOf(item));
    return reason === undefined ? [] : [{ item, outcome: { kind: "skipped", reason } }];
  });
  return { items: items.filter((item) => !kept.has(keyOf(item))), skipped };
}

async function sweepItems(pass: CleanupPass, items: readonly PlanItem[]): Promise<readonly ItemResult[]> {
  const { kube, directories, signal } = pass.scope;
  const { stdout, stderr, env } = pass.context;
  const progress = new Progress(stderr, env);
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
  return sweep({ kube, readStates, signal, dryRun, onDone }, items).finally(() => progress.clear());
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
  const { output, paint, namespaces, scope } = pass;
  const columns = planColumns(scope.now(), namespaces?.length !== 1);
  const options = { wide: output === "wide", paint, width: terminalWidth(stream) };
  writeStyled(stream, `${tableLines(columns, plan.items, options).join("\n")}\n`);
}
