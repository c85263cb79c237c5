// kubectl prefect cancel: cancels flow runs in Prefect and deletes their objects in the cluster.

import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import { EXIT, ExpectedError } from "../../../base/errors.ts";
import { isUuid } from "../../../base/uuid.ts";
import type { CancelDeps, CancelResult, CancelOptions } from "../../../cleanup/cancel.ts";
import type { OwnerRun } from "../../../cleanup/item.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import { RUN_LABELS } from "../../../job/labels.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import { choice, choiceOption } from "../../options/choice.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import type { ClusterScope, ListScope } from "../../cluster-scope.ts";
import { durationOption, switchOption } from "../../options/option-group.ts";

/** Longer than for listings, because requests that change something should not be given up early. */
const DEADLINE_MS = 30_000;

export class CancelCommand extends NamespacedCommand {
  static override paths = [["cancel"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "cancel flow runs and delete their Jobs, pods and Dask clusters",
    details: `
      Cancels the run in Prefect; waits up to --grace for the flow to end by itself, which closes its Dask cluster; deletes
      the run's Jobs with their pods, then what is left of its Dask clusters; then sets the state to Cancelled, unless the
      flow still runs or may run elsewhere.

      Prints what it deleted. Keeps objects annotated prefect.io/keep: "true". Exits with 1 if something is left that is not
      annotated so, or runs on.
    `,
    examples: [
      ["Cancel a flow run", "$0 cancel quick-fox"],
      [
        "Delete its pods at once, without waiting for the flow to end",
        "$0 cancel job/prefect-job-1a2b3c4d --now",
      ],
      [
        "Delete it from the cluster without changing its state in Prefect",
        "$0 cancel quick-fox --keep-state",
      ],
    ],
  });

  targets = Option.Rest({ name: "RUN", required: 1 });
  grace = durationOption("--grace", "60s", "time that the flow has to end by itself");
  now = switchOption("--now", "do not wait for the flow to end by itself");
  keepState = switchOption("--keep-state", "do not change the state in Prefect");
  wait = choiceOption("--wait", "wait until the deleted objects are gone (default true)");
  timeout = durationOption("--timeout", "60s", "time limit of --wait");

  async execute(): Promise<number> {
    const wait = choice(["--wait", this.wait], { true: true, false: false }, "use --wait or --wait=false");
    const options: CancelOptions = {
      graceMs: this.now || this.keepState ? 0 : parseDuration(this.grace, "--grace"),
      timeoutMs: wait === false ? undefined : parseDuration(this.timeout, "--timeout"),
    };
    return this.connected((scope) => this.#cancel(scope, options), DEADLINE_MS);
  }

  async #cancel(given: ClusterScope, options: CancelOptions): Promise<number> {
    const { cancelRuns } = await import("../../../cleanup/cancel.ts");
    const { listJobs } = await import("../../find-run.ts");
    const { currentStates } = await import("../../../cleanup/recheck.ts");
    const { deletedLine } = await import("../cleanup/report.ts");
    const { retrying, retryingPrefect } = await import("../../../cleanup/retrying.ts");
    const { Progress } = await import("../../../output/progress.ts");
    const { clock, signal } = given;
    const kube = retrying(given.kube, clock, signal);
    const directories = retryingPrefect(given.directories, given, this.tellingRetries());
    const scope = { ...given, kube, directories };
    const progress = new Progress(this.context.stderr, this.context.env);
    // Of all runs: a Dask cluster can only be attributed to a run among all that it may belong to.
    const loadInventory = (): Promise<Inventory> => listJobs(scope, { dask: "all" });
    const inventory = await loadInventory();
    const runs = await this.#runs(inventory, scope);
    const deps: CancelDeps = {
      kube,
      namespace: scope.namespace,
      loadInventory,
      pollInventory: ([...ids]) => listJobs(scope, { flowRunId: ids.length === 1 ? ids[0] : undefined }),
      readStates: currentStates(scope.directories, signal),
      prefect: this.keepState ? undefined : scope.directories,
      clock,
      signal,
      onStep: (line) => progress.printLine(line),
      onWaiting: (line) => (line === undefined ? progress.clear() : progress.update(line)),
      onDone: ({ item, outcome }) => {
        progress.clear();
        if (outcome.kind === "deleted") this.print(`${deletedLine(item, false)}\n`);
      },
    };
    const result = await cancelRuns(deps, runs, options).finally(() => progress.clear());
    return this.#report(result, inventory);
  }

  async #runs(inventory: Inventory, scope: ListScope): Promise<readonly OwnerRun[]> {
    const { resolveRun } = await import("../../flow-run-ref.ts");
    const options = { ...scope, inventory, mustBeUnique: true };
    const targets = await Promise.all(this.targets.map((text) => this.pickedRun(text, scope)));
    const found = await Promise.all(targets.map((text) => resolveRun(text, options)));
    const distinct = [...new Map(found.map((run) => [run.flowRunId, run])).values()];
    for (const run of distinct) if (!isUuid(run.flowRunId)) throw noFlowRun(run);
    return distinct.map((run) => ({ ...run, namespace: run.namespace ?? scope.namespace ?? "" }));
  }

  async #report({ done, kept, problems, interrupted }: CancelResult, inventory: Inventory): Promise<number> {
    const { refusalsIn } = await import("../../../inventory/inventory.ts");
    const { errorLines, keptLine, summary } = await import("../cleanup/report.ts");
    // What is not known of other flow runs does not matter here.
    this.printWarnings(refusalsIn(inventory));
    for (const object of kept) this.printMessage(keptLine(object));
    for (const line of errorLines(problems)) this.printMessage(this.completeHint(line));
    this.printMessage(
      interrupted && done.length === 0 ? "interrupted: nothing removed" : summary(done, false),
    );
    if (interrupted) return EXIT.interrupted;
    if (problems.length === 0) return 0;
    const codes = new Set(problems.map(({ exitCode = EXIT.failure }) => exitCode));
    return done.length === 0 && codes.size === 1 ? Math.max(...codes) : EXIT.failure;
  }
}

/** Anybody may label a Job; what is no id of Prefect's was not made by it. */
function noFlowRun({ flowRunId: label, prefectVersion, namespace = "" }: ResolvedRun): Error {
  const selector = `${RUN_LABELS[prefectVersion]}=${label}`;
  const hint = `its Job can be deleted with: kubectl delete job -l ${selector} -n ${namespace}`;
  return new ExpectedError(`cannot cancel "${label}": the label of its Job is not a flow run id`, { hint });
}
