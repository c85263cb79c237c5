// Inventory that follows the cluster: the same model as one look, kept up by watches, with states asked now and then.

import { aborted } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { together } from "../base/run-all.ts";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { AnyObject, Job, KindMap, KubeEvent, Meta, Pod } from "../kube/client/objects.ts";
import { Reflector } from "../kube/cache/reflector.ts";
import { daskPrints } from "../dask/find-clusters.ts";
import { withDask } from "./dask-owners.ts";
import type { Generation, Inventory } from "./inventory.ts";
import type { InventoryQuery } from "./load.ts";
import { DASK_POD_SELECTORS } from "./list-dask.ts";
import { Listing } from "./listing.ts";
import { withoutOthers } from "./other-prefect.ts";
import { podlessEvents } from "./no-pod-events.ts";
import { RUN_LABELS, runPrints, withRun } from "./group-runs.ts";
import { StateDesk } from "./state-source.ts";
import type { StateSources } from "./state-source.ts";
import { isWanted, surely } from "./selected.ts";

export interface WatchDeps {
  readonly kube: Pick<KubeApi, "listPage" | "watch">;
  readonly clock: Clock;
  readonly sources: StateSources;
}

/** Changes come in bursts; a person follows no more than that. */
const SETTLE_MS = 150;
/** Prefect cannot be watched. */
const STATES_MS = 5_000;
const RELIST_MS = 600_000;
const PATIENCE = 3;
const GENERATIONS: readonly Generation[] = [1, 2];

/**
 * Shows the inventory when it is complete and after every change, until the signal of the query aborts. Gaps are told
 * when they change. Throws KubeError when the cluster refuses for good.
 */
export async function watchInventory(
  deps: WatchDeps,
  query: InventoryQuery,
  show: (inventory: Inventory) => Promise<void>,
): Promise<void> {
  const signal = query.signal ?? new AbortController().signal;
  const watch = new InventoryWatch(deps, query);
  await together(
    signal,
    ...watch.reflectors.map((each) => (s: AbortSignal) => each.run(s)),
    async (s) => {
      await watch.synced(s);
      while (!s.aborted) {
        const inventory = await watch.inventory(s);
        if (s.aborted) return;
        await show(inventory);
        await watch.changed(s);
      }
    },
    (s) => watch.failed(s),
  );
}

/** What was listed, and when. */
interface Unwatched {
  readonly clusters: readonly AnyObject[];
  readonly events: readonly KubeEvent[];
  readonly atMs: number;
}

class InventoryWatch {
  readonly reflectors: readonly { readonly synced: Promise<void>; run(signal: AbortSignal): Promise<void> }[];
  readonly #deps: WatchDeps;
  readonly #jobs: readonly Reflector<"jobs", Job>[];
  readonly #pods: readonly Reflector<"pods", Pod>[];
  #fail: (error: unknown) => void = () => {};
  readonly #failure = new Promise<never>((_, reject) => (this.#fail = reject));
  #wake = new AbortController();
  #gaps = "";
  readonly #query: InventoryQuery;
  #unwatchedNow: Unwatched = { clusters: [], events: [], atMs: 0 };

  constructor(deps: WatchDeps, query: InventoryQuery) {
    this.#deps = deps;
    const { namespace, fieldSelector } = query;
    this.#query = query;
    const labels = GENERATIONS.map((each) => RUN_LABELS[each]);
    const and = query.labelSelector === undefined ? "" : `,${query.labelSelector}`;
    this.#jobs = labels.map((label) =>
      this.#reflector("jobs", { namespace, fieldSelector, labelSelector: label + and }),
    );
    // Pods without Prefect's labels: those of Prefect 2's agent, known by their Job.
    const unlabelled = `job-name,${labels.map((label) => `!${label}`).join(",")}`;
    this.#pods = [...labels, unlabelled, ...DASK_POD_SELECTORS].map((labelSelector) =>
      this.#reflector("pods", { namespace, labelSelector }),
    );
    this.reflectors = [...this.#jobs, ...this.#pods];
    this.#failure.catch(() => {});
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.reflectors.map(({ synced }) => synced)), aborted(signal)]);
  }

  /** Rejects when the cluster refuses for good. */
  async failed(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#failure, aborted(signal)]);
  }

  /** Resolves after the next change has settled, or when states are to be asked again. */
  async changed(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    await clock.sleep(STATES_MS, AbortSignal.any([signal, this.#wake.signal]));
    await clock.sleep(SETTLE_MS, signal);
    this.#wake = new AbortController();
  }

  async inventory(signal: AbortSignal): Promise<Inventory> {
    const { sources } = this.#deps;
    const desks = { 1: new StateDesk(1, sources[1], signal), 2: new StateDesk(2, sources[2], signal) };
    const jobs = this.#jobs.flatMap((each) => [...each.values()]);
    // A pod with the labels of both, of Prefect and of Dask, is watched twice.
    const pods = [
      ...new Map(
        this.#pods.flatMap((each) => [...each.values()].map((pod) => [pod.metadata.uid, pod] as const)),
      ).values(),
    ];
    const { clusters, events } = await this.#unwatched(signal, { jobs, pods });
    const standing = runPrints({ jobs, pods, events });
    const dask = daskPrints({ pods, clusters, services: [], budgets: [] }, standing);
    const sure = dask.map((each) => surely(each, this.#query));
    const { runs: prints, unowned } = withDask(standing, sure);
    const wanted = prints.filter((run) => isWanted(run, this.#query));
    const asked = await Promise.all(
      wanted.map(async (print) => withRun(print, await desks[print.generation].ask(print.flowRunId))),
    );
    const unknown = (await Promise.all(GENERATIONS.map((each) => desks[each].gap()))).filter(
      (gap) => gap !== undefined,
    );
    const { runs, gaps } = withoutOthers(asked, { 1: sources[1]?.address, 2: sources[2]?.address });
    return { runs, unownedDask: unowned, gaps: this.#news([...unknown, ...gaps]) };
  }

  /**
   * Few clusters have Dask's operator, and a watch of what does not exist would only fail; few Jobs are without a pod. Both
   * are listed with the states.
   */
  async #unwatched(
    signal: AbortSignal,
    found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
  ): Promise<Unwatched> {
    const nowMs = this.#deps.clock.now().getTime();
    if (nowMs - this.#unwatchedNow.atMs < STATES_MS) return this.#unwatchedNow;
    const listing = new Listing(this.#deps.kube, signal);
    const { namespace } = this.#query;
    const [clusters, events] = await Promise.all([
      listing.all("daskclusters", { namespace }),
      podlessEvents(listing, namespace, found),
    ]);
    this.#unwatchedNow = { clusters, events, atMs: nowMs };
    return this.#unwatchedNow;
  }

  /** Gaps are told once. */
  #news(gaps: readonly string[]): readonly string[] {
    const text = gaps.join("\n");
    if (text === this.#gaps) return [];
    this.#gaps = text;
    return gaps;
  }

  #reflector<R extends "jobs" | "pods">(resource: R, query: ListQuery): Reflector<R, KindMap[R]> {
    const { kube, clock } = this.#deps;
    return new Reflector<R, KindMap[R]>({
      kube,
      clock,
      resource,
      query,
      keep: withoutFields,
      onChange: () => this.#wake.abort(),
      onOutage: (error, failures) => this.#outage(error, failures),
      relistMs: RELIST_MS,
    });
  }

  #outage(error: unknown, failures: number): void {
    if (!(error instanceof KubeError)) return this.#fail(error);
    if (!error.retryable || failures >= PATIENCE) this.#fail(error);
  }
}

/** Without the record of who manages which field: it is half of the object, and never shown. */
function withoutFields<T extends { readonly metadata: Meta }>(object: T): T {
  const { metadata } = object;
  if (!("managedFields" in metadata)) return object;
  const { managedFields: _unused, ...rest } = metadata;
  return { ...object, metadata: rest };
}
