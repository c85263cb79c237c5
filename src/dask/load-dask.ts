// An inventory with its Dask clusters: the one file here that asks a cluster. What is listed is little: pods by label,
// Services by label, all PodDisruptionBudgets (old ones carry no label), and the operator's DaskClusters.

import type { DaskPrint, Generation, Inventory, RunPrint } from "../inventory/inventory.ts";
import { Listing } from "../inventory/listing.ts";
import { StateDesk } from "../inventory/state-source.ts";
import type { StateSources } from "../inventory/state-source.ts";
import { FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import type { KubeApi } from "../kube/api.ts";
import type { Pod } from "../kube/objects.ts";
import { daskPrints } from "./dask-prints.ts";
import type { DaskObjects } from "./dask-prints.ts";
import { CLUSTER_LABEL, GATEWAY_LABEL, variableOf } from "./recognise.ts";

/** Where to look. */
export interface DaskQuery {
  /** Without it: all namespaces. */
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface DaskDeps {
  readonly kube: Pick<KubeApi, "listPage">;
  readonly sources: StateSources;
}

const POD_SELECTORS = [CLUSTER_LABEL, GATEWAY_LABEL, "app=dask"];

/**
 * The inventory with Dask in it. A run that has a Dask cluster and no Job any more gets a print of its own, with its state.
 * Throws KubeError when the cluster cannot be asked at all; what may not be listed is one of the gaps.
 */
export async function withDask(deps: DaskDeps, inventory: Inventory, query: DaskQuery): Promise<Inventory> {
  const listing = new Listing(deps.kube, query.signal);
  const prints = daskPrints(await daskObjects(listing, query.namespace), inventory.runs);
  const owned = Map.groupBy(prints, ({ owner }) => owner?.flowRunId ?? "");
  const known = new Set(inventory.runs.map(({ flowRunId }) => flowRunId));
  const jobless = [...owned].filter(([flowRunId]) => flowRunId !== "" && !known.has(flowRunId));
  const others = await joblessRuns(deps.sources, jobless, query.signal);
  const seen = new Set<string>();
  const runs = inventory.runs.map((run) => {
    // A run with Jobs in two namespaces has two prints; its clusters stand at the first.
    const dask = seen.has(run.flowRunId) ? [] : (owned.get(run.flowRunId) ?? []);
    seen.add(run.flowRunId);
    return { ...run, dask };
  });
  return {
    runs: [...runs, ...others.runs],
    unownedDask: owned.get("") ?? [],
    gaps: [...new Set([...inventory.gaps, ...listing.gaps, ...others.gaps])],
    unseen: [...new Set([...(inventory.unseen ?? []), ...listing.unseen])],
  };
}

async function daskObjects(listing: Listing, namespace: string | undefined): Promise<DaskObjects> {
  const [pods, services, budgets, clusters] = await Promise.all([
    Promise.all(POD_SELECTORS.map((labelSelector) => listing.all("pods", { namespace, labelSelector }))),
    listing.all("services", { namespace, labelSelector: CLUSTER_LABEL }),
    listing.all("poddisruptionbudgets", { namespace }),
    listing.all("daskclusters", { namespace }),
  ]);
  const distinct = new Map(pods.flat().map((pod) => [pod.metadata.uid, pod]));
  return { pods: [...distinct.values()], services, budgets, clusters };
}

async function joblessRuns(
  sources: StateSources,
  owned: readonly (readonly [string, readonly DaskPrint[]])[],
  signal: AbortSignal | undefined,
): Promise<{ readonly runs: readonly RunPrint[]; readonly gaps: readonly string[] }> {
  const desks = { 1: new StateDesk(1, sources[1], signal), 2: new StateDesk(2, sources[2], signal) };
  const runs = await Promise.all(
    owned.map(async ([flowRunId, dask]): Promise<RunPrint> => {
      const generation = generationOf(dask);
      const { name, view } = await desks[generation].ask(flowRunId);
      const namespace = dask[0]?.namespace ?? "";
      const footprint = { flowRunId, jobs: [] };
      return { flowRunId, generation, namespace, name, run: view, footprint, dask };
    }),
  );
  const gaps = await Promise.all([desks[1].gap(), desks[2].gap()]);
  return { runs, gaps: gaps.filter((gap) => gap !== undefined) };
}

/** Prefect 2 and 3 have a label and a variable of their own; the name by construction is Prefect 1's. */
function generationOf(prints: readonly DaskPrint[]): Generation {
  const isSecond = ({ metadata, spec }: Pod): boolean =>
    metadata.labels?.[FLOW_RUN_LABEL_2] !== undefined ||
    variableOf({ spec }, "PREFECT__FLOW_RUN_ID") !== undefined;
  const pods = prints.flatMap(({ scheduler, workers }) => [...workers, ...(scheduler ? [scheduler] : [])]);
  return pods.some(isSecond) ? 2 : 1;
}
