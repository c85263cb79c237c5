// Inventory: groups Jobs, pods and events by flow run. Pure.

import { FLOW_RUN_LABEL, FLOW_RUN_LABEL_2, flowRunIdOf } from "../job/labels.ts";
import { createdMs, formerJobOf, isLetGo, jobUidOf, type ObservedJob } from "../job/observe/observed.ts";
import type { Job, KubeEvent, Meta, Pod } from "../kube/client/objects.ts";
import type { InventoryRun, PrefectVersion } from "./inventory.ts";

/** Of flow runs. */
export interface RunObjects {
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
  readonly events: readonly KubeEvent[];
}

/** One array for thousands of runs without such objects. */
const NONE: readonly never[] = [];

/** The label in which Prefect 2 and 3 put the run's name. */
const NAME_LABEL = "prefect.io/flow-run-name";

export function prefectVersionOf(meta: Pick<Meta, "labels">): PrefectVersion {
  return meta.labels?.[FLOW_RUN_LABEL] ? 1 : 2;
}

/** The runs in the order in which their Jobs were listed, each run's Jobs oldest first; without state and Dask. */
export function groupRuns(objects: RunObjects): readonly InventoryRun[] {
  const podsOf = Map.groupBy(objects.pods, jobUidOf);
  const eventsOf = Map.groupBy(objects.events, (event) => event.involvedObject.uid);
  // A Job with the labels of both Prefects is listed twice.
  const jobs = [...new Map(objects.jobs.map((job) => [job.metadata.uid, job])).values()];
  const former = formerJobs(objects.pods, new Set(jobs.map(({ metadata }) => metadata.uid)));
  const jobsOf = Map.groupBy([...jobs, ...former.values()], runKeyOf);
  return [...jobsOf.values()].flatMap((jobs) => {
    const [first] = jobs;
    const flowRunId = first === undefined ? undefined : flowRunIdOf(first.metadata);
    if (first === undefined || flowRunId === undefined) return [];
    const observed = oldestFirst(jobs).map((job): ObservedJob => {
      const pods = oldestFirst(podsOf.get(job.metadata.uid) ?? []);
      const uids = [job.metadata.uid, ...pods.map(({ metadata }) => metadata.uid)];
      const events = eventsOf.size === 0 ? NONE : uids.flatMap((uid) => eventsOf.get(uid) ?? []);
      return { job, pods, deletedPods: NONE, events, gone: former.has(job.metadata.uid) };
    });
    return {
      flowRunId,
      prefectVersion: prefectVersionOf(first.metadata),
      namespace: first.metadata.namespace,
      name: first.metadata.labels?.[NAME_LABEL],
      status: { kind: "unknown" },
      observed: { flowRunId, jobs: observed },
      dask: NONE,
    };
  });
}

/** The deleted Jobs that have let go of their pods, by uid. */
function formerJobs(pods: readonly Pod[], existing: ReadonlySet<string>): ReadonlyMap<string, Job> {
  // A pod of Prefect 2 and 3 has its Job's uid in a label. The agent for Prefect 1 has no such pods.
  const isLetGo2 = ({ metadata: { labels = {}, ownerReferences = [] } }: Pod): boolean =>
    ownerReferences.length === 0 && labels[FLOW_RUN_LABEL_2] !== undefined;
  const entries = pods.flatMap((pod) => {
    const uid = isLetGo(pod) || isLetGo2(pod) ? jobUidOf(pod) : undefined;
    return uid === undefined || existing.has(uid) ? [] : [[uid, formerJobOf(pod, uid)] as const];
  });
  return new Map(entries);
}

function runKeyOf({ metadata }: Job): string | undefined {
  const id = flowRunIdOf(metadata);
  return id === undefined ? undefined : `${metadata.namespace}/${id}`;
}

function oldestFirst<T extends Job | Pod>(objects: readonly T[]): readonly T[] {
  return objects.length < 2 ? objects : objects.toSorted((a, b) => createdMs(a) - createdMs(b));
}
