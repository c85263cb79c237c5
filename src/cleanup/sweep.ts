// Sweep: executes a plan. Each object is rechecked right before it is deleted.
// A finished Job or pod does not start again, so it needs no recheck of its own: with uid and resourceVersion as
// preconditions the API server refuses the deletion if anything has changed (a keep annotation, too).

import PQueue from "p-queue";
import { ExpectedError, textOf } from "../base/errors.ts";
import { pagesOf } from "../base/pages.ts";
import type { DeleteOptions, KubeApi } from "../kube/client/api.ts";
import type { PlanItem } from "./item.ts";
import { objectKeepReason, Recheck, type ReadStates } from "./recheck.ts";

/** The result of an item. `gone`: it did not exist any more; `skipped`: its reason no longer held; `not attempted`: interrupted before it. */
export type Outcome =
  | { readonly kind: "deleted" | "gone" | "not attempted" }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: string; readonly hint: string | undefined };

export interface ItemResult {
  readonly item: PlanItem;
  readonly outcome: Outcome;
}

export interface SweepDeps {
  /** With retries, since what fails for a passing reason must not be left behind. */
  readonly kube: Pick<KubeApi, "get" | "delete" | "listPage">;
  readonly readStates: ReadStates;
  /** Ends the sweep: deletions in flight finish, no new one starts. */
  readonly signal: AbortSignal;
  /** Server-side dry run: the API server checks the deletions without executing them. */
  readonly dryRun?: boolean | undefined;
  /** Called for each item as soon as its result is known. */
  readonly onDone?: ((done: ItemResult) => void) | undefined;
}

/** Concurrent calls: far below the API server's own limit for one user. */
export const IN_FLIGHT = 32;
/** Items rechecked with one request to Prefect: their states must not grow old before the last one is deleted. */
const GROUP_SIZE = 100;
/** How often an object that keeps changing is rechecked. */
const MAX_RECHECKS = 3;

/** Deletes the items in their order and returns one result for each. Throws only on a bug. */
export async function sweep(deps: SweepDeps, items: readonly PlanItem[]): Promise<readonly ItemResult[]> {
  const results: ItemResult[] = [];
  const deleted = new Set<string>();
  const { kube, readStates } = deps;
  const queue = new PQueue({ concurrency: IN_FLIGHT });
  for (const group of groupsOf(items)) {
    const recheck = new Recheck({ kube, readStates, deleted }, group);
    const deleteOne = async (item: PlanItem): Promise<void> => {
      const outcome = await deleteOrReport({ ...deps, recheck }, item);
      if (outcome.kind === "deleted") deleted.add(item.uid);
      results.push({ item, outcome });
      deps.onDone?.({ item, outcome });
    };
    await queue.addAll(group.map((item) => () => deleteOne(item)));
  }
  return results;
}

/** Items that need a recheck are grouped, so that their states are read right before; finished ones need none. */
function* groupsOf(items: readonly PlanItem[]): Generator<readonly PlanItem[]> {
  for (const order of new Set(items.map((item) => item.order))) {
    const same = items.filter((item) => item.order === order);
    const finished = same.filter(({ reason }) => reason === "finished");
    const others = same.filter(({ reason }) => reason !== "finished");
    if (finished.length > 0) yield finished;
    yield* pagesOf(others, GROUP_SIZE);
  }
}

type ItemDeps = SweepDeps & { readonly recheck: Recheck };

async function deleteOrReport(deps: ItemDeps, item: PlanItem): Promise<Outcome> {
  try {
    if (!deps.signal.aborted) return await recheckAndDelete(deps, item);
  } catch (error) {
    const hint = error instanceof ExpectedError ? error.hint : undefined;
    if (!deps.signal.aborted) return { kind: "failed", error: textOf(error), hint };
  }
  return { kind: "not attempted" };
}

async function recheckAndDelete({ kube, recheck, dryRun }: ItemDeps, item: PlanItem): Promise<Outcome> {
  let { resourceVersion } = item;
  for (let rechecks = item.reason === "finished" ? 0 : 1; rechecks <= MAX_RECHECKS; rechecks++) {
    if (rechecks > 0) {
      const contextReason = await recheck.keepReason(item);
      if (contextReason !== undefined) return { kind: "skipped", reason: contextReason };
      const current = await kube.get(item.resource, item.ref);
      if (current === undefined) return { kind: "gone" };
      const reason = objectKeepReason(item, current);
      if (reason !== undefined) return { kind: "skipped", reason };
      if (current.metadata.deletionTimestamp !== undefined) return { kind: "gone" };
      ({ resourceVersion } = current.metadata);
    }
    const options = { ...deleteOptionsFor(item, resourceVersion), dryRun };
    const outcome = await kube.delete(item.resource, item.ref, options);
    if (outcome !== "changed") return { kind: outcome };
  }
  return { kind: "skipped", reason: "it keeps changing" };
}

/** An unfinished Job goes after its pods. The status of what is unfinished changes all the time: only its uid is checked. */
function deleteOptionsFor({ uid, reason, resource }: PlanItem, resourceVersion: string): DeleteOptions {
  const isExact = reason === "finished" || (resource === "pods" && reason !== "cancelled");
  const exact = isExact ? { resourceVersion } : {};
  const propagation = resource === "jobs" && reason !== "finished" ? "Foreground" : "Background";
  return { uid, ...exact, propagation };
}
