// Inventory: loads the inventory from the cluster and from Prefect, with concurrent requests.

import type { StateSources } from "./run-states.ts";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { lastSeenAt } from "../kube/client/objects.ts";
import type { Job, KubeEvent, Pod } from "../kube/client/objects.ts";
import { flowRunIdOf } from "../job/labels.ts";
import { findClusters } from "../dask/find-clusters.ts";
import { withDask } from "./dask-owners.ts";
import type { Inventory, InventoryRun, PrefectVersion } from "./inventory.ts";
import { listDask } from "./list-dask.ts";
import { Listing } from "./listing.ts";
import { withProvenDeletions } from "./belonging.ts";
import { noPodEvents } from "./no-pod-events.ts";
import { jobUidOf } from "../job/observe/observed.ts";
import { groupRuns, prefectVersionOf, RUN_LABELS, withPrefectData } from "./group-runs.ts";
import { readSilences, withOwners } from "./agent-polls.ts";
import { StateReader } from "./run-states.ts";
import type { RecentRun } from "./run-states.ts";
import { isSelected, withoutGuessedOwner } from "./query.ts";
import type { InventoryQuery } from "./query.ts";

/** Job names in one pod selector: a URL must stay below 8 KiB. */
const NAMES_PER_SELECTOR = 80;
/** Up to this many objects, events are listed for each; above it, all events of the namespace. */
const EVENT_QUERIES_LIMIT = 12;
const PREFECT_VERSIONS: readonly PrefectVersion[] = [1, 2];

/** Throws KubeError if the cluster cannot be read. */
export async function loadInventory(
  kube: Pick<KubeApi, "listPage">,
  sources: StateSources,
  query: InventoryQuery,
): Promise<Inventory> {
  const { signal } = query;
  const listing = new Listing(kube, signal);
  const states = new StateReader(sources, signal);
  let silences: ReturnType<typeof readSilences> | undefined;
  const readState = (job: Job): void => {
    const id = flowRunIdOf(job.metadata);
    if (query.owners === true && prefectVersionOf(job.metadata) === 1)
      silences ??= readSilences(sources[1], signal);
    // Awaited below; an error before that must not end the process.
    if (id !== undefined) states.read(prefectVersionOf(job.metadata), id).catch(() => {});
  };
  const [jobs, labelled, dask, recent] = await Promise.all([
    flatAll(PREFECT_VERSIONS.map((each) => listing.all("jobs", jobQuery(query, each), readState))),
    flatAll(PREFECT_VERSIONS.map((each) => listing.all("pods", podQuery(query, each)))),
    query.dask === undefined ? undefined : listDask(listing, query.namespace, query.dask),
    states.recent(query.endedSince),
  ]);
  const unlabelled = await unlabelledPods(listing, query, { jobs, labelled });
  // A pod with the labels of both Prefects is listed twice.
  const pods = [...new Map([...labelled, ...unlabelled].map((pod) => [pod.metadata.uid, pod])).values()];
  const events = await eventsFor(listing, query, { jobs, pods });
  const grouped = groupRuns({ jobs, pods, events });
  const observed = grouped.map(({ observed }) => observed);
  const clusters =
    dask === undefined ? [] : findClusters(dask, observed).map((each) => withoutGuessedOwner(each, query));
  const { runs: allRuns, unowned } = withDask(grouped, clusters);
  const podsForbidden = listing.forbidden.includes("pods") ? { podsForbidden: true } : {};
  const selected = allRuns.filter((run) => isSelected(run, query));
  const withStates = await Promise.all(
    selected.map(async (run) => ({
      ...withPrefectData(run, await states.read(run.prefectVersion, run.flowRunId)),
      ...podsForbidden,
    })),
  );
  const { runs: inCluster, warnings: others } =
    query.onlyPrefect === true
      ? { runs: withStates, warnings: [] }
      : await withProvenDeletions(withStates, sources, signal);
  const runs = [...inCluster, ...onlyInPrefect(recent, allRuns)];
  const warnings = [...listing.warnings, ...(await states.warnings()), ...others];
  return {
    runs: withOwners(runs, await silences),
    unownedDask: unowned,
    warnings,
    forbidden: listing.forbidden,
    refusals: listing.refusals,
  };
}

/** The latest runs that have nothing in the cluster. */
function onlyInPrefect(
  recent: readonly RecentRun[],
  inCluster: readonly InventoryRun[],
): readonly InventoryRun[] {
  const ids = new Set(inCluster.map(({ flowRunId }) => flowRunId));
  return recent
    .filter(({ flowRunId }) => !ids.has(flowRunId))
    .map((run) => ({ ...run, namespace: "", observed: { flowRunId: run.flowRunId, jobs: [] }, dask: [] }));
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

/** The agent of Prefect 2 labels only the Job; its pods are found by the Job's name. */
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
  if (names.length > 4 * NAMES_PER_SELECTOR)
    return listing.all("pods", { namespace, labelSelector: "job-name" });
  const batches: string[][] = [];
  while (names.length > 0) batches.push(names.splice(0, NAMES_PER_SELECTOR));
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
  const listed = await (events === "all" ? eventsOf : noPodEvents)(listing, namespace, found);
  return listed.toSorted((left, right) => seenMs(left) - seenMs(right));
}

async function eventsOf(
  listing: Listing,
  namespace: string | undefined,
  found: { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] },
): Promise<readonly KubeEvent[]> {
  const uids = [...found.jobs, ...found.pods].map(({ metadata }) => metadata.uid);
  return uids.length > EVENT_QUERIES_LIMIT
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
