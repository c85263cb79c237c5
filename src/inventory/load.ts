// Inventory: loads the inventory from the cluster and from Prefect, with concurrent requests.

import { SettingsError } from "../base/errors.ts";
import { pagesOf } from "../base/pages.ts";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import { lastSeenAt, type Job, type KubeEvent, type Pod } from "../kube/client/objects.ts";
import { flowRunIdOf, isAgentJob, RUN_LABELS } from "../job/labels.ts";
import { findClusters } from "../dask/find-clusters.ts";
import { withDask } from "./dask-owners.ts";
import {
  refusalsIn,
  withoutObjects,
  type Inventory,
  type InventoryRun,
  type PrefectVersion,
} from "./inventory.ts";
import { listDask, type DaskScope } from "./list-dask.ts";
import { Listing } from "./listing.ts";
import { withProvenDeletions } from "./belonging.ts";
import { jobUidOf } from "../job/observe/observed.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import { groupRuns, prefectVersionOf, type RunObjects } from "./group-runs.ts";
import { readSilences, withOwners } from "./agent-polls.ts";
import { stateReaders, type StateSources } from "./run-states.ts";

/** Job names in one pod selector: a URL must stay below 8 KiB. */
const NAMES_PER_SELECTOR = 80;
/** Up to this many objects, events are listed for each; above it, all events of the namespace. */
const EVENT_QUERIES_LIMIT = 12;
const PREFECT_VERSIONS: readonly PrefectVersion[] = [1, 2];

/** What to list. Selectors apply to Jobs. */
export interface InventoryQuery extends ListQuery {
  /** Only this run. */
  readonly flowRunId?: string | undefined;
  /** Also Dask clusters, and how much of them. Guessing a cluster's run needs all runs. */
  readonly dask?: DaskScope | undefined;
  /** Also events of the Jobs and their pods; `no-pods`: only those that explain why a Job has no pod. */
  readonly events?: "all" | "no-pods" | undefined;
  /** Also runs without objects in the cluster: those that are due, claimed or running, and those that ended within that time. */
  readonly endedWithinMs?: number | undefined;
  /** No other Prefect uses these namespaces: a run that the API does not know was deleted. */
  readonly onlyPrefect?: boolean | undefined;
  /** Also the agents that the runs belong to. */
  readonly owners?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws KubeError if the cluster cannot be read, SettingsError for a selector that it does not understand. */
export async function loadInventory(
  kube: Pick<KubeApi, "listPage">,
  sources: StateSources,
  query: InventoryQuery,
): Promise<Inventory> {
  const { signal } = query;
  const listing = new Listing(kube, signal);
  const states = stateReaders(sources, signal);
  let silences: ReturnType<typeof readSilences> | undefined;
  /** Asks Prefect while the cluster is being listed. Silences are awaited below; an error before that must not end the process. */
  const askPrefect = (job: Job): void => {
    const id = flowRunIdOf(job.metadata);
    const version = prefectVersionOf(job.metadata);
    if (query.owners === true && version === 1) silences ??= readSilences(sources[1], signal);
    silences?.catch(() => {});
    if (id !== undefined) states[version].ask(id);
  };
  const jobsOf = async (version: PrefectVersion): Promise<readonly Job[]> => {
    const jobs = await listing
      .all("jobs", jobQuery(query, version), askPrefect)
      .catch((error: unknown) => throwListError(error, query));
    for (const each of PREFECT_VERSIONS) states[each].send();
    return jobs;
  };
  const [jobs, labelled, dask, recent] = await Promise.all([
    flatAll(PREFECT_VERSIONS.map(jobsOf)),
    flatAll(PREFECT_VERSIONS.map((each) => listing.all("pods", runQuery(query, each)))),
    query.dask === undefined ? undefined : listDask(listing, query.namespace, query.dask),
    flatAll(Object.values(states).map((each) => each.recent(query.endedWithinMs))),
  ]);
  const unlabelled = await unlabelledPods(listing, query, { jobs, pods: labelled });
  // A pod with the labels of both Prefects is listed twice.
  const pods = [...new Map([...labelled, ...unlabelled].map((pod) => [pod.metadata.uid, pod])).values()];
  const events = await eventsFor(listing, query, { jobs, pods });
  const grouped = groupRuns({ jobs, pods, events });
  const observed = grouped.map(({ observed }) => observed);
  const clusters = dask === undefined ? [] : findClusters(dask, observed, { withGuesses: !isPartial(query) });
  const { runs: allRuns, unowned } = withDask(grouped, clusters);
  const { forbidden } = listing;
  // The API server refuses it even where it has no such resource. Clusters of the operator have pods.
  if (!clusters.some(({ kind }) => kind === "operator")) forbidden.delete("daskclusters");
  const podsForbidden = forbidden.has("pods");
  const selected = allRuns.flatMap((run) => selectedPart(run, query));
  for (const { prefectVersion, flowRunId } of selected) states[prefectVersion].ask(flowRunId);
  const [told1, told2] = await Promise.all([states[1].answers(), states[2].answers()]);
  const withStates = selected.map((run) => {
    const read = (run.prefectVersion === 1 ? told1 : told2).get(run.flowRunId);
    // Its name in Prefect replaces the label's.
    return { ...run, ...read, name: read?.name ?? run.name, podsForbidden };
  });
  const { runs: inCluster, warnings: others } =
    query.onlyPrefect === true
      ? { runs: withStates, warnings: [] }
      : await withProvenDeletions(withStates, sources, signal);
  const inClusterIds = new Set(allRuns.map(({ flowRunId }) => flowRunId));
  const onlyInPrefect = recent.filter(({ flowRunId }) => !inClusterIds.has(flowRunId));
  const runs = [...inCluster, ...onlyInPrefect.map((run) => withoutObjects({ ...run, namespace: "" }))];
  const unread = Object.values(states).flatMap((each) => each.warning() ?? []);
  const warnings = [...refusalsIn({ forbidden }), ...unread, ...others];
  return { runs: withOwners(runs, await silences), unownedDask: unowned, warnings, forbidden };
}

/** The objects with the label of these runs. */
function runQuery(query: InventoryQuery, prefectVersion: PrefectVersion): ListQuery {
  const { namespace, flowRunId } = query;
  const label = RUN_LABELS[prefectVersion];
  return { namespace, labelSelector: flowRunId === undefined ? label : `${label}=${flowRunId}` };
}

function jobQuery(query: InventoryQuery, prefectVersion: PrefectVersion): ListQuery {
  const { labelSelector: ofRuns, ...where } = runQuery(query, prefectVersion);
  const { fieldSelector, labelSelector = "" } = query;
  const selectors = [ofRuns, labelSelector].filter((part) => part !== "");
  return { ...where, fieldSelector, labelSelector: selectors.join(",") };
}

/** A selector that the API server cannot read is the user's mistake. */
function throwListError(error: unknown, { labelSelector, fieldSelector }: InventoryQuery): never {
  const selectors = [labelSelector, fieldSelector].filter((each) => each !== undefined);
  const isRefused = error instanceof KubeError && error.isStatus && error.reason === "BadRequest";
  if (selectors.length === 0 || !isRefused) throw error;
  throw new SettingsError(`cannot use selector "${selectors.join('", "')}": ${error.detail}`);
}

type Found = Omit<RunObjects, "events">;

/** The agent of Prefect 2, and some flows, label only the Job; its pods are found by the Job's name. */
async function unlabelledPods(
  listing: Listing,
  { namespace }: InventoryQuery,
  { jobs, pods }: Found,
): Promise<readonly Pod[]> {
  const withPods = new Set(pods.map(jobUidOf));
  const names = jobs
    .filter(({ metadata }) => !withPods.has(metadata.uid))
    .filter(({ metadata }) => prefectVersionOf(metadata) === 2 || !isAgentJob(metadata))
    .map(({ metadata }) => metadata.name);
  const pages = pagesOf(names, NAMES_PER_SELECTOR);
  const selectors = pages.length > 4 ? ["job-name"] : pages.map((page) => `job-name in (${page.join(",")})`);
  return flatAll(selectors.map((labelSelector) => listing.all("pods", { namespace, labelSelector })));
}

async function eventsFor(
  listing: Listing,
  { events, namespace }: InventoryQuery,
  found: Found,
): Promise<readonly KubeEvent[]> {
  if (events === undefined) return [];
  const selectors = events === "all" ? eventSelectors(found) : noPodSelectors(listing, found);
  const listed = selectors.map((fieldSelector) => listing.all("events", { namespace, fieldSelector }));
  return (await flatAll(listed)).toSorted((left, right) => seenMs(left) - seenMs(right));
}

/** The fields of the events of these objects. */
function eventSelectors({ jobs, pods }: Found): readonly (string | undefined)[] {
  const uids = [...jobs, ...pods].map(({ metadata }) => metadata.uid);
  return uids.length > EVENT_QUERIES_LIMIT ? [undefined] : uids.map((uid) => `involvedObject.uid=${uid}`);
}

/** Why Jobs have no pod (a quota, a missing ServiceAccount): only their events tell. None if there are no such Jobs. */
function noPodSelectors({ forbidden }: Listing, { jobs, pods }: Found): readonly string[] {
  if (forbidden.has("pods")) return [];
  const withPods = new Set(pods.map(jobUidOf));
  const isWaiting = jobs.some(
    (job) => !withPods.has(job.metadata.uid) && !isJobFinished(job) && job.spec.suspend !== true,
  );
  return isWaiting ? ["involvedObject.kind=Job,reason=FailedCreate"] : [];
}

function seenMs(event: KubeEvent): number {
  const at = lastSeenAt(event)?.getTime() ?? Number.NaN;
  return Number.isNaN(at) ? Date.parse(event.metadata.creationTimestamp) : at;
}

async function flatAll<T>(lists: readonly Promise<readonly T[]>[]): Promise<readonly T[]> {
  return (await Promise.all(lists)).flat();
}

/** Whether only some runs of a namespace are listed. */
function isPartial({ flowRunId, labelSelector, fieldSelector }: InventoryQuery): boolean {
  return [flowRunId, labelSelector, fieldSelector].some((each) => each !== undefined);
}

/**
 * With a selector, only the selected Jobs of the runs: whether another one is gone, or only not listed, cannot be told, but of
 * the one that is named.
 */
function selectedPart(
  run: InventoryRun,
  { flowRunId, labelSelector, fieldSelector }: InventoryQuery,
): readonly InventoryRun[] {
  if (flowRunId !== undefined) return run.flowRunId === flowRunId ? [run] : [];
  if (labelSelector === undefined && fieldSelector === undefined) return [run];
  const jobs = run.observed.jobs.filter(
    ({ job, gone }) => !gone || fieldSelector === `metadata.name=${job.metadata.name}`,
  );
  return jobs.length === 0 ? [] : [{ ...run, observed: { ...run.observed, jobs } }];
}
