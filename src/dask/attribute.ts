// Which flow run a Dask cluster belongs to, by the most reliable evidence; none if there is evidence for two runs.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import { podsOf, type Attribution, type ObservedCluster } from "./dask-cluster.ts";
import { createdMs, type ObservedRun } from "../job/observe/observed.ts";
import { flowRunIdOf } from "../job/labels.ts";
import { FLOW_RUN_VARIABLES } from "../job/observe/flow-container.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { hasEnded, podFinishedAt } from "../job/observe/pod-termination.ts";
import { isUniqueName, schedulerHostOf, variableOf } from "./recognise.ts";

/** A cluster that is not attributed to a flow run yet. */
export type Unattributed = Omit<ObservedCluster, "owner">;

/** `dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}`: the name template that the agent sets for Dask clusters. */
const NAME_WITH_RUN_ID = /^dask-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{8}-[0-9a-f]$/;

type Ids = readonly (string | undefined)[];
/** What links a cluster to a run; `pod`: the one that has it, if a pod has. */
interface Evidence extends Attribution {
  readonly pod: Pod | undefined;
}
/** The most reliable first. */
const KINDS = ["owner", "label", "environment", "name", "address"] as const;

/** A pod that runs a flow run, and when it was there. */
interface RunPod {
  readonly flowRunId: string;
  readonly pod: Pod;
  readonly fromMs: number;
  readonly untilMs: number;
}
type RunPodsBy = ReadonlyMap<string | undefined, readonly RunPod[]>;

/** Attributes clusters to these flow runs. */
export function attributionAmong(
  runs: readonly ObservedRun[],
  withGuesses: boolean,
): (cluster: Unattributed) => Attribution | undefined {
  const owners = new Map<string, string>();
  const runPods: RunPod[] = [];
  for (const { flowRunId, jobs } of runs) {
    for (const { job, pods, deletedPods } of jobs) {
      owners.set(job.metadata.uid, flowRunId);
      for (const pod of [...pods, ...deletedPods]) {
        const untilMs = podFinishedAt(pod)?.getTime() ?? Infinity;
        owners.set(pod.metadata.uid, flowRunId);
        runPods.push({ flowRunId, pod, fromMs: createdMs(pod), untilMs });
      }
    }
  }
  // The address of a node may be that of pods of runs that are not among these, too.
  const addressed = runPods.filter(({ pod }) => withGuesses || pod.spec.hostNetwork !== true);
  const byIp = Map.groupBy(addressed, ({ pod }) => pod.status.podIP);
  const inMetadata = (meta: Meta) => ({ owner: [ownerIn(owners, meta)], label: [flowRunIdOf(meta)] });
  const inPod = (pod: Pod): readonly Evidence[] => {
    // The run whose pod had the worker's scheduler address when the worker was created.
    const address = [onlyRunAt(byIp.get(schedulerHostOf(pod) ?? ""), pod)];
    return evidence({ ...inMetadata(pod.metadata), environment: [inEnvironment(pod)], address }, pod);
  };
  const alike: RunPodsBy = withGuesses ? groupedByKind(runPods) : new Map();
  return (cluster) => {
    const { name, resource } = cluster;
    const found = [
      ...evidence({ name: [flowRunIdInName(name)], environment: resourceVariables(resource) }),
      ...(resource === undefined ? [] : evidence(inMetadata(resource.metadata))),
      ...podsOf(cluster).flatMap(inPod),
    ];
    return strongest(cluster, found) ?? guess(cluster, alike);
  };
}

/** The flow run's id in a cluster's name. */
export function flowRunIdInName(cluster: string): string | undefined {
  return NAME_WITH_RUN_ID.exec(cluster)?.[1];
}

function evidence(ids: { readonly [By in Attribution["by"]]?: Ids }, pod?: Pod): readonly Evidence[] {
  return KINDS.flatMap((by) =>
    (ids[by] ?? []).flatMap((flowRunId) => (flowRunId === undefined ? [] : [{ flowRunId, by, pod }])),
  );
}

function strongest(cluster: Unattributed, found: readonly Evidence[]): Attribution | undefined {
  const reliable = found.filter(({ by }) => by !== "address");
  const [flowRunId, ...others] = new Set(
    (reliable.length > 0 ? reliable : found).map((each) => each.flowRunId),
  );
  const kind = KINDS.find((by) => found.some((each) => each.by === by));
  if (kind === undefined || flowRunId === undefined || others.length > 0) return undefined;
  // A fixed cluster name is reused by later runs: an active pod without evidence of its own may belong to another run.
  const linked = new Set(found.map(({ pod }) => pod));
  const isLinked = (pod: Pod): boolean => hasEnded(pod) || linked.has(pod);
  return isUniqueName(cluster.name) || podsOf(cluster).every(isLinked) ? { flowRunId, by: kind } : undefined;
}

function ownerIn(owners: ReadonlyMap<string, string>, meta: Meta): string | undefined {
  return meta.ownerReferences?.map(({ uid }) => owners.get(uid)).find((id) => id !== undefined);
}

function inEnvironment(pod: Pick<Pod, "spec">): string | undefined {
  return FLOW_RUN_VARIABLES.map((name) => variableOf(pod, name)).find((id) => id !== undefined);
}

/** The run ids in the pod specs of a DaskCluster. */
function resourceVariables(resource: AnyObject | undefined): Ids {
  return ["scheduler", "worker"].flatMap((part) => {
    const spec = objectIn(objectIn(resource?.spec?.[part])["spec"]);
    const variables = arrayIn(spec["containers"]).flatMap((container) => arrayIn(objectIn(container)["env"]));
    return variables.map((variable) => {
      const { name, value } = objectIn(variable);
      return FLOW_RUN_VARIABLES.includes(textIn(name) ?? "") ? textIn(value) || undefined : undefined;
    });
  });
}

/** The only run with a pod of this image and ServiceAccount when the cluster was created. Shown to users, never acted on. */
function guess(cluster: Unattributed, alike: RunPodsBy): Attribution | undefined {
  const [pod] = podsOf(cluster);
  const image = pod?.spec.containers?.[0]?.image;
  if (pod === undefined || image === undefined) return undefined;
  const flowRunId = onlyRunAt(alike.get(kindOf(pod, image)), pod);
  return flowRunId === undefined ? undefined : { flowRunId, by: "guess" };
}

/** The pods of each namespace, ServiceAccount and image: what a guess compares. */
function groupedByKind(runPods: readonly RunPod[]): RunPodsBy {
  const grouped = new Map<string, RunPod[]>();
  for (const run of runPods) {
    const { containers = [] } = run.pod.spec;
    for (const kind of new Set(containers.map(({ image = "" }) => kindOf(run.pod, image)))) {
      const alike = grouped.get(kind) ?? [];
      grouped.set(kind, alike);
      alike.push(run);
    }
  }
  return grouped;
}

function kindOf({ metadata: { namespace }, spec: { serviceAccountName = "default" } }: Pod, image: string) {
  return [namespace, serviceAccountName, image].join(" ");
}

/** The only run with a pod among these when the other pod was created. */
function onlyRunAt(pods: readonly RunPod[] = [], created: Pod): string | undefined {
  const atMs = createdMs(created);
  const isThere = ({ fromMs, untilMs }: RunPod): boolean => fromMs <= atMs && atMs <= untilMs;
  const flowRunId = pods.find(isThere)?.flowRunId;
  return pods.some((pod) => pod.flowRunId !== flowRunId && isThere(pod)) ? undefined : flowRunId;
}
