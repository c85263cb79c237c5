// Inventory: the cluster and Prefect → Inventory, in one look. What can be asked at the same time is.

import type { StateSources } from "./run-states.ts";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { lastSeenAt } from "../kube/client/objects.ts";
import type { Job, KubeEvent, Pod } from "../kube/client/objects.ts";
import { flowRunIdOf } from "../job/labels.ts";
import { findClusters } from "../dask/find-clusters.ts";
import { withDask } from "./dask-owners.ts";
import type { Inventory, PrefectVersion } from "./inventory.ts";
import { listDask } from "./list-dask.ts";
import { Listing } from "./listing.ts";
import { withoutOthers } from "./other-prefect.ts";
import { noPodEvents } from "./no-pod-events.ts";
import { groupRuns, jobUidOf, prefectVersionOf, RUN_LABELS, withRun } from "./group-runs.ts";
import { StateReader } from "./run-states.ts";
import { isWanted, withoutGuess } from "./query.ts";
import type { InventoryQuery } from "./query.ts";

/** Pods by the names of their Jobs, so many in one selector: a URL must stay below 8 KiB. */
const NAMES_AT_ONCE = 80;
/** Events of single objects are asked one by one up to here, and all of them from here on. */
const OBJECTS_AT_MOST = 12;
const PREFECT_VERSIONS: readonly PrefectVersion[] = [1, 2];

/** Throws KubeError when the cluster cannot be asked at all. */
export async function loadInventory(
  kube: Pick<KubeApi, "listPage">,
  sources: StateSources,
  query: InventoryQuery,
): Promise<Inventory> {
  const { signal } = query;
  const listing = new Listing(kube, signal);
  const states = new StateReader(sources, signal);
  const ask = (job: Job): void => {
    const id = flowRunIdOf(job.metadata);
    // Whoever needs the answer awaits it below; one that comes to nothing by then must not end the process.
    if (id !== undefined) states.read(prefectVersionOf(job.metadata), id).catch(() => {});
  };
  const [jobs, labelled, dask] = await Promise.all([
    flatAll(PREFECT_VERSIONS.map((each) => listing.all("jobs", jobQuery(query, each), ask))),
    flatAll(PREFECT_VERSIONS.map((each) => listing.all("pods", podQuery(query, each)))),
    query.dask === undefined ? undefined : listDask(listing, query.namespace, query.dask),
  ]);
  const unlabelled = await unlabelledPods(listing, query, { jobs, labelled });
  // A pod with the labels of both Prefects is listed twice.
  const pods = [...new Map([...labelled, ...unlabelled].map((pod) => [pod.metadata.uid, pod])).values()];
  const events = await eventsFor(listing, query, { jobs, pods });
  const standing = groupRuns({ jobs, pods, events });
  const clusters =
    dask === undefined ? [] : findClusters(dask, standing).map((each) => withoutGuess(each, query));
  const { runs: prints, unowned } = withDask(standing, clusters);
  const podsForbidden = listing.forbidden.includes("pods") ? { podsForbidden: true } : {};
  const wanted = prints.filter((run) => isWanted(run, query));
  const asked = await Promise.all(
    wanted.map(async (print) => ({
      ...withRun(print, await states.read(print.prefectVersion, print.flowRunId)),
      ...podsForbidden,
    })),
  );
  // Of one run alone nothing can be told: by which addresses its Prefect goes, the other runs show.
  const isAlone = query.flowRunId !== undefined;
  const addresses = { 1: sources[1]?.address, 2: sources[2]?.address };
  const { runs, warnings: others } = isAlone
    ? { runs: asked, warnings: [] }
    : withoutOthers(asked, addresses);
  const warnings = [...listing.warnings, ...(await states.warnings()), ...others];
  return {
    runs,
    unownedDask: unowned,
    warnings,
    forbidden: listing.forbidden,
    refusals: listing.refusals,
  };
}

function jobQuery(query: InventoryQuery, prefectVersion: PrefectVersion): ListQuery {
  const { namespace, fieldSelector } = query;
  const selectors = [runSelector(query, prefectVersion), query.labelSelector ?? ""];
  return { namespace, fieldSelector, labelSelector: selectors.filter((part) => part !== "").join(",") };
}

function podQuery(query: InventoryQuery, prefectVersion: PrefectVersion): ListQuery {
  return { namespace: query.namespace, labelSelector: runSelector(query, prefectVersion) };
}

function runSelector({ flowRunId }: InventoryQuery, prefectVersion: PrefectVersion): string {
  const label = RUN_LABELS[prefectVersion];
  return flowRunId === undefined ? label : `${label}=${flowRunId}`;
}

/** The agent of Prefect 2 labels the Job alone; its pods are found by the Job's name. */
async function unlabelledPods(
  listing: Listing,
  query: InventoryQuery,
  found: { readonly jobs: readonly Job[]; readonly labelled: readonly Pod[] },
): Promise<readonly Pod[]> {
  const withPods = new Set(found.labelled.map(jobUidOf));
  const names = found.jobs
    .filter(({ metadata }) => prefectVersionOf(metadata) === 2 && !withPods.has(metadata.uid))
    .map(({ metadata }) => metadata.name);
  const { namespace } = query;
  if (names.length > 4 * NAMES_AT_ONCE) return listing.all("pods", { namespace, labelSelector: "job-name" });
  const batches: string[][] = [];
  while (names.length > 0) batches.push(names.splice(0, NAMES_AT_ONCE));
  return flatAll(
    batches.map((batch) =>
      listing.all("pods", { namespace, labelSelector: `job-name in (${batch.join(",")})` }),
    ),
  );
}

async function eventsFor(
  listing: Listing,
  { events, namespace }: InventoryQuery,
  found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
): Promise<readonly KubeEvent[]> {
  if (events === undefined) return [];
  const some = await (events === "all" ? eventsOf : noPodEvents)(listing, namespace, found);
  return some.toSorted((left, right) => seenMs(left) - seenMs(right));
}

async function eventsOf(
  listing: Listing,
  namespace: string | undefined,
  found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
): Promise<readonly KubeEvent[]> {
  const uids = [...found.jobs, ...found.pods].map(({ metadata }) => metadata.uid);
  return uids.length > OBJECTS_AT_MOST
    ? listing.all("events", { namespace })
    : flatAll(
        uids.map((uid) => listing.all("events", { namespace, fieldSelector: `involvedObject.uid=${uid}` })),
      );
}

function seenMs(event: KubeEvent): number {
  const at = lastSeenAt(event)?.getTime() ?? Number.NaN;
  return Number.isNaN(at) ? Date.parse(event.metadata.creationTimestamp) : at;
}

async function flatAll<T>(lists: readonly Promise<readonly T[]>[]): Promise<readonly T[]> {
  return (await Promise.all(lists)).flat();
}
