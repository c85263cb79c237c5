// Sweep: executes a plan. Each object is rechecked right before it is deleted.
// A finished Job or pod does not start again, so it needs no recheck of its own: with uid and resourceVersion as
// preconditions the API server refuses the deletion if anything has changed (a keep annotation, too).

import type { Clock } from "../base/clock.ts";
import { ExpectedError, textOf } from "../base/errors.ts";
import PQueue from "p-queue";
import type { DeleteOptions, KubeApi } from "../kube/client/api.ts";
import type { PlanItem } from "./item.ts";
import { IN_FLIGHT, Throttle } from "./throttle.ts";
import { contextKeepReason, objectKeepReason } from "./recheck.ts";
import type { CurrentObject } from "./recheck.ts";
import { RecheckReader } from "./recheck-context.ts";
import type { ReadStates } from "./recheck-context.ts";

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
  readonly kube: Pick<KubeApi, "get" | "delete" | "listPage">;
  readonly readStates: ReadStates;
  readonly clock: Clock;
  /** Called for each item as soon as its result is known. */
  readonly onDone?: ((done: ItemResult) => void) | undefined;
}

export interface SweepOptions {
  /** Ends the sweep: deletions in flight finish, no new one starts. */
  readonly signal: AbortSignal;
  /** Server-side dry run: the API server checks the deletions without executing them. */
  readonly dryRun?: boolean | undefined;
}

/** Items rechecked with one request to Prefect: their states must not grow old before the last one is deleted. */
const GROUP_SIZE = 100;
/** How often an object that keeps changing is rechecked. */
const MAX_RECHECKS = 3;

/** Deletes the items in their order and returns one result for each. Throws only on a bug. */
export async function sweep(
  deps: SweepDeps,
  items: readonly PlanItem[],
  options: SweepOptions,
): Promise<readonly ItemResult[]> {
  const results: ItemResult[] = [];
  const deletedJobs = new Set<string>();
  const throttle = new Throttle(deps.clock);
  const queue = new PQueue({ concurrency: IN_FLIGHT });
  for (const group of groupsOf(items)) {
    const reader = new RecheckReader({ kube: deps.kube, readStates: deps.readStates, deletedJobs }, group);
    await Promise.all(
      group.map((item) =>
        queue.add(async () => {
          const outcome = await deleteOrReport({ ...deps, reader, throttle }, item, options);
          if (item.resource === "jobs" && outcome.kind === "deleted") deletedJobs.add(item.uid);
          results.push({ item, outcome });
          deps.onDone?.({ item, outcome });
        }),
      ),
    );
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
    for (let at = 0; at < others.length; at += GROUP_SIZE) yield others.slice(at, at + GROUP_SIZE);
  }
}

type ItemDeps = SweepDeps & { readonly reader: RecheckReader; readonly throttle: Throttle };

async function deleteOrReport(deps: ItemDeps, item: PlanItem, options: SweepOptions): Promise<Outcome> {
  if (options.signal.aborted) return { kind: "not attempted" };
  try {
    return await recheckAndDelete(deps, item, options);
  } catch (error) {
    if (options.signal.aborted) return { kind: "not attempted" };
    const hint = error instanceof ExpectedError ? error.hint : undefined;
    return { kind: "failed", error: textOf(error), hint };
  }
}

async function recheckAndDelete(deps: ItemDeps, item: PlanItem, options: SweepOptions): Promise<Outcome> {
  const { kube, throttle } = deps;
  const { signal } = options;
  let { resourceVersion } = item;
  for (let rechecks = item.reason === "finished" ? 0 : 1; rechecks <= MAX_RECHECKS; rechecks++) {
    if (rechecks > 0) {
      const context = await throttle.call(() => deps.reader.contextOf(item), signal);
      const contextReason = contextKeepReason(item, context);
      if (contextReason !== undefined) return { kind: "skipped", reason: contextReason };
      const current = await throttle.call(() => read(kube, item), signal);
      if (current === undefined) return { kind: "gone" };
      const reason = objectKeepReason(item, current);
      if (reason !== undefined) return { kind: "skipped", reason };
      if (current.object.metadata.deletionTimestamp !== undefined) return { kind: "gone" };
      ({ resourceVersion } = current.object.metadata);
    }
    const deleteOptions = { ...deleteOptionsFor(item, resourceVersion), dryRun: options.dryRun };
    const outcome = await throttle.call(() => kube.delete(item.resource, item.ref, deleteOptions), signal);
    if (outcome !== "changed") return { kind: outcome };
  }
  return { kind: "skipped", reason: "it keeps changing" };
}

/**
 * An unfinished Job is deleted after its pods (Foreground), as the agent does it; the pods of finished ones are deleted by
 * Kubernetes' garbage collector. The status of other unfinished objects changes all the time: only their uid is checked.
 */
function deleteOptionsFor({ uid, reason, resource }: PlanItem, resourceVersion: string): DeleteOptions {
  const isExact = reason === "finished" || (resource === "pods" && reason !== "cancelled");
  const exact = isExact ? { resourceVersion } : {};
  const propagation = resource === "jobs" && reason !== "finished" ? "Foreground" : "Background";
  return { uid, ...exact, propagation };
}

async function read(
  kube: SweepDeps["kube"],
  { resource, ref }: PlanItem,
): Promise<CurrentObject | undefined> {
  switch (resource) {
    case "jobs": {
      const object = await kube.get(resource, ref);
      return object === undefined ? undefined : { resource, object };
    }
    case "pods": {
      const object = await kube.get(resource, ref);
      return object === undefined ? undefined : { resource, object };
    }
    default: {
      const object = await kube.get(resource, ref);
      return object === undefined ? undefined : { resource, object };
    }
  }
}
