// Whose a Dask cluster is: what ties it to a flow run, the strongest tie first. What ties it to two runs ties it to none.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { Attribution, ObservedCluster } from "./dask-cluster.ts";
import type { ObservedRun } from "../job/observe/observed.ts";
import { flowRunIdOf } from "../job/labels.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { endOfPod, isLiving } from "./pod-life.ts";
import { isUniqueName, schedulerHostOf, variableOf } from "./recognise.ts";

/** What must be known of a flow run. */
export interface RunWithPods {
  readonly flowRunId: string;
  readonly observed: Pick<ObservedRun, "jobs">;
}
/** A cluster before it is known whose it is. */
export type Unattributed = Omit<ObservedCluster, "owner">;

/** The variables in which Prefect 1 and Prefect 2/3 give a pod its flow run's id. */
const RUN_VARIABLES = ["PREFECT__CONTEXT__FLOW_RUN_ID", "PREFECT__FLOW_RUN_ID"];
/** `dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}`: the name that our agent lets Dask make. */
const NAME_BY_CONSTRUCTION = /^dask-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{8}-[0-9a-f]$/;

type Tie = (cluster: Unattributed, pods: readonly Pod[]) => readonly (string | undefined)[];

/** A pod that runs a flow run. */
interface RunPod {
  readonly flowRunId: string;
  readonly pod: Pod;
}

/** The attribution of clusters, given all flow runs that are known. */
export function attributionOver(
  runs: readonly RunWithPods[],
): (cluster: Unattributed) => Attribution | undefined {
  const owners = ownersIn(runs);
  const runPods = podsIn(runs);
  const ties: readonly (readonly [Attribution["by"], Tie])[] = [
    ["owner", (cluster, pods) => each(cluster, pods, (meta) => ownerIn(owners, meta))],
    ["label", (cluster, pods) => each(cluster, pods, labelled)],
    ["environment", (cluster, pods) => [...resourceVariables(cluster.resource), ...pods.map(inEnvironment)]],
    ["name", (cluster) => [NAME_BY_CONSTRUCTION.exec(cluster.name)?.[1]]],
    ["address", (_, pods) => pods.map((pod) => byAddress(pod, runPods))],
  ];
  return (cluster) => strongest(cluster, ties) ?? guess(cluster, runPods);
}

/** The name says which run; then it holds for every part of the cluster, also when no pod is left. */
export function runInName(cluster: string): string | undefined {
  return NAME_BY_CONSTRUCTION.exec(cluster)?.[1];
}

function strongest(
  cluster: Unattributed,
  ties: readonly (readonly [Attribution["by"], Tie])[],
): Attribution | undefined {
  const pods = podsOf(cluster);
  const found = ties.map(([by, tie]) => ({ by, ids: tie(cluster, pods) }));
  const firm = found.filter(({ by }) => by !== "address").flatMap(({ ids }) => distinct(ids));
  if (new Set(firm).size > 1) return undefined;
  const first = found.find(({ ids }) => distinct(ids).length > 0);
  const [flowRunId, second] = distinct(first?.ids ?? []);
  if (first === undefined || flowRunId === undefined || second !== undefined) return undefined;
  if (!isUniqueName(cluster.name) && !allTied(pods, found)) return undefined;
  return { flowRunId, by: first.by };
}

/**
 * A name that somebody chose comes again with the next run: there a living pod without a tie of its own may be another
 * run's, although its neighbours are tied.
 */
function allTied(
  pods: readonly Pod[],
  found: readonly { readonly by: Attribution["by"]; readonly ids: readonly (string | undefined)[] }[],
): boolean {
  return pods.every((pod, at) => {
    if (!isLiving(pod)) return true;
    // The ties of pods stand at the end of each list, in their order.
    return found.some(({ by, ids }) => by !== "name" && ids.at(at - pods.length) !== undefined);
  });
}

function podsOf({ scheduler, workers }: Unattributed): readonly Pod[] {
  return scheduler === undefined ? workers : [scheduler, ...workers];
}

/** Of the cluster's own resource first, then of the pods in their order. */
function each(
  { resource }: Unattributed,
  pods: readonly Pod[],
  of: (meta: Meta) => string | undefined,
): readonly (string | undefined)[] {
  return [...(resource === undefined ? [] : [of(resource.metadata)]), ...pods.map((pod) => of(pod.metadata))];
}

function ownerIn(owners: ReadonlyMap<string, string>, meta: Meta): string | undefined {
  const found = (meta.ownerReferences ?? []).map(({ uid }) => owners.get(uid));
  return found.find((flowRunId) => flowRunId !== undefined);
}

function labelled(meta: Meta): string | undefined {
  const id = flowRunIdOf(meta);
  return id === "" ? undefined : id;
}

function inEnvironment(pod: Pick<Pod, "spec">): string | undefined {
  return RUN_VARIABLES.map((name) => variableOf(pod, name)).find((id) => id !== undefined);
}

/** A DaskCluster holds the specs of its pods. */
function resourceVariables(resource: AnyObject | undefined): readonly (string | undefined)[] {
  return ["scheduler", "worker"].flatMap((part) => {
    const spec = objectIn(objectIn(resource?.spec?.[part])["spec"]);
    const variables = arrayIn(spec["containers"]).flatMap((each) => arrayIn(objectIn(each)["env"]));
    return variables.map((variable) => {
      const { name, value } = objectIn(variable);
      return RUN_VARIABLES.includes(textIn(name) ?? "") ? textIn(value) || undefined : undefined;
    });
  });
}

/** The worker's scheduler is in the pod of a run: one that had the address when the worker was made. */
function byAddress(worker: Pod, runPods: readonly RunPod[]): string | undefined {
  const host = schedulerHostOf(worker);
  if (host === undefined) return undefined;
  const there = runPods.filter(({ pod }) => pod.status.podIP === host && existedWhenMade(pod, worker));
  const [flowRunId, second] = distinct(there.map((each) => each.flowRunId));
  return second === undefined ? flowRunId : undefined;
}

/** Exactly one run had a pod of this image and ServiceAccount while the cluster was made. To be shown, not to act on. */
function guess(cluster: Unattributed, runPods: readonly RunPod[]): Attribution | undefined {
  const [pod] = podsOf(cluster);
  const image = pod?.spec.containers?.[0]?.image;
  if (pod === undefined || image === undefined) return undefined;
  const alike = runPods.filter(
    (each) =>
      each.pod.metadata.namespace === cluster.namespace &&
      (each.pod.spec.serviceAccountName ?? "default") === (pod.spec.serviceAccountName ?? "default") &&
      (each.pod.spec.containers ?? []).some((container) => container.image === image) &&
      existedWhenMade(each.pod, pod),
  );
  const [flowRunId, second] = distinct(alike.map((each) => each.flowRunId));
  return flowRunId === undefined || second !== undefined ? undefined : { flowRunId, by: "guess" };
}

function existedWhenMade(pod: Pod, other: Pod): boolean {
  const madeMs = Date.parse(other.metadata.creationTimestamp);
  const endedMs = endOfPod(pod)?.getTime() ?? Number.POSITIVE_INFINITY;
  return Date.parse(pod.metadata.creationTimestamp) <= madeMs && madeMs <= endedMs;
}

function ownersIn(runs: readonly RunWithPods[]): ReadonlyMap<string, string> {
  return new Map(
    runs.flatMap(({ flowRunId, observed }) =>
      observed.jobs.flatMap(({ job, pods, deletedPods: departed }) =>
        [job, ...pods, ...departed].map(({ metadata }) => [metadata.uid, flowRunId] as const),
      ),
    ),
  );
}

function podsIn(runs: readonly RunWithPods[]): readonly RunPod[] {
  return runs.flatMap(({ flowRunId, observed }) =>
    observed.jobs.flatMap(({ pods, deletedPods: departed }) =>
      [...pods, ...departed].map((pod) => ({ flowRunId, pod })),
    ),
  );
}

function distinct(ids: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(ids.filter((id) => id !== undefined))];
}
