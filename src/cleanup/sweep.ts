// Sweep: carries out a plan. Each object is judged anew right before it goes, and goes only as what was judged.
// A finished Job or pod cannot change for the better: uid and resourceVersion as preconditions let the API server itself
// make the fresh look, in the same request, and any change since (a keep annotation, too) comes back as a conflict.

import type { Clock } from "../base/clock.ts";
import { ExpectedError, textOf } from "../base/errors.ts";
import { Limit } from "../base/limit.ts";
import type { DeleteOptions, KubeApi } from "../kube/client/api.ts";
import type { PlanItem } from "./item.ts";
import { IN_FLIGHT, Throttle } from "./throttle.ts";
import { whyNotAround, whyNotObject } from "./recheck.ts";
import type { Fresh } from "./recheck.ts";
import { Look } from "./recheck-context.ts";
import type { AskStates } from "./recheck-context.ts";

/** What became of an item. `skipped`: it was no longer what the plan said; `untried`: an interrupt came before it. */
export type Outcome =
  | { readonly kind: "deleted" | "gone" | "untried" }
  | { readonly kind: "skipped"; readonly why: string }
  | { readonly kind: "failed"; readonly error: string; readonly hint: string | undefined };

/** An item and what became of it. */
export interface Done {
  readonly item: PlanItem;
  readonly outcome: Outcome;
}

export interface SweepDeps {
  readonly kube: Pick<KubeApi, "get" | "delete" | "listPage">;
  readonly states: AskStates;
  readonly clock: Clock;
  /** Told of each item as soon as it is settled. */
  readonly onDone?: ((done: Done) => void) | undefined;
}

export interface SweepOptions {
  /** Ends the sweep: what is under way is finished, nothing new is begun. */
  readonly signal: AbortSignal;
  /** The server checks everything, and keeps everything. */
  readonly dryRun?: boolean | undefined;
}

/** Runs per question to Prefect; as old as an answer of these can become before the last of them is acted on. */
const AT_ONCE = 100;
/** How often an object that changes under our hands is judged anew. */
const LOOKS = 3;

/** Removes the items in their order; the answer has one entry for each of them. Fails for nothing but a bug. */
export async function sweep(
  deps: SweepDeps,
  items: readonly PlanItem[],
  options: SweepOptions,
): Promise<readonly Done[]> {
  const done: Done[] = [];
  const goneJobs = new Set<string>();
  const throttle = new Throttle(deps.clock);
  const limit = new Limit(IN_FLIGHT);
  for (const group of groupsOf(items)) {
    const look = new Look({ kube: deps.kube, states: deps.states, goneJobs }, group);
    await Promise.all(
      group.map((item) =>
        limit.run(async () => {
          const outcome = await settle({ ...deps, look, throttle }, item, options);
          if (item.resource === "jobs" && outcome.kind === "deleted") goneJobs.add(item.uid);
          done.push({ item, outcome });
          deps.onDone?.({ item, outcome });
        }),
      ),
    );
  }
  return done;
}

/** What must be judged by its run or its pods goes in groups that are asked for right before; the rest needs no asking. */
function* groupsOf(items: readonly PlanItem[]): Generator<readonly PlanItem[]> {
  for (const order of new Set(items.map((item) => item.order))) {
    const same = items.filter((item) => item.order === order);
    const finished = same.filter(({ reason: ground }) => ground === "finished");
    const others = same.filter(({ reason: ground }) => ground !== "finished");
    if (finished.length > 0) yield finished;
    for (let at = 0; at < others.length; at += AT_ONCE) yield others.slice(at, at + AT_ONCE);
  }
}

type ItemDeps = SweepDeps & { readonly look: Look; readonly throttle: Throttle };

async function settle(deps: ItemDeps, item: PlanItem, options: SweepOptions): Promise<Outcome> {
  if (options.signal.aborted) return { kind: "untried" };
  try {
    return await attempt(deps, item, options);
  } catch (error) {
    if (options.signal.aborted) return { kind: "untried" };
    const hint = error instanceof ExpectedError ? error.hint : undefined;
    return { kind: "failed", error: textOf(error), hint };
  }
}

async function attempt(deps: ItemDeps, item: PlanItem, options: SweepOptions): Promise<Outcome> {
  const { kube, throttle } = deps;
  const { signal } = options;
  let { resourceVersion } = item;
  for (let looks = item.reason === "finished" ? 0 : 1; looks <= LOOKS; looks++) {
    if (looks > 0) {
      const why = whyNotAround(item, await throttle.call(() => deps.look.around(item), signal));
      if (why !== undefined) return { kind: "skipped", why };
      const fresh = await throttle.call(() => read(kube, item), signal);
      if (fresh === undefined) return { kind: "gone" };
      const reason = whyNotObject(item, fresh);
      if (reason !== undefined) return { kind: "skipped", why: reason };
      if (fresh.object.metadata.deletionTimestamp !== undefined) return { kind: "gone" };
      ({ resourceVersion } = fresh.object.metadata);
    }
    const given = { ...preconditions(item, resourceVersion), dryRun: options.dryRun };
    const outcome = await throttle.call(() => kube.delete(item.resource, item.ref, given), signal);
    if (outcome !== "changed") return { kind: outcome };
  }
  return { kind: "skipped", why: "it keeps changing" };
}

/**
 * A Job that works ends with its pods before it goes (Foreground), as the agent does it; the pods of finished ones are left
 * to Kubernetes' collector. What is not finished and no pod changes all the time (status): there the uid must do.
 */
function preconditions({ uid, reason: ground, resource }: PlanItem, resourceVersion: string): DeleteOptions {
  const isExact = ground === "finished" || (resource === "pods" && ground !== "cancelled");
  const exact = isExact ? { resourceVersion } : {};
  const propagation = resource === "jobs" && ground !== "finished" ? "Foreground" : "Background";
  return { uid, ...exact, propagation };
}

async function read(kube: SweepDeps["kube"], { resource, ref }: PlanItem): Promise<Fresh | undefined> {
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
