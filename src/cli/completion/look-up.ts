// Values that completion looks up: contexts of the kubeconfig and, if the cluster answers soon, its namespaces and flow runs.

import { stateText } from "../../inventory/job-row.ts";
import type { InventoryRun } from "../../inventory/inventory.ts";
import type { KubeApi } from "../../kube/client/api.ts";
import type { ClusterScope } from "../cluster-scope.ts";
import type { BaseCommand } from "../options/base-command.ts";
import { ClusterCommand } from "../options/cluster-command.ts";

/** A word, and what it means to people. */
export type Candidate = readonly [word: string, meaning: string];

/** How long to wait for Prefect, and for all: a login program of the kubeconfig may never end. */
const PREFECT_MS = 1_000;
const MAX_WAIT_MS = 3_000;
const ENDED_WITHIN_MS = 24 * 3_600_000;

/** The values of CONTEXT, NAMESPACE or RUN for a command with its flags, if it connects. Throws what is in the way. */
export async function lookUp(value: string, start: string, command: BaseCommand): Promise<Candidate[]> {
  if (!(command instanceof ClusterCommand)) return [];
  const { clock, signal } = command.context;
  const found = value === "CONTEXT" ? contexts(command) : inCluster(value, start, command);
  return Promise.race([found, clock.sleep(MAX_WAIT_MS, signal).then(() => [])]);
}

async function contexts({ connection, context }: ClusterCommand): Promise<Candidate[]> {
  const { contextNames } = await import("../../kube/auth/kubeconfig.ts");
  return contextNames(connection, context).map((name) => [name, ""]);
}

async function inCluster(value: string, start: string, command: ClusterCommand): Promise<Candidate[]> {
  if (value !== "NAMESPACE" && value !== "RUN") return [];
  return command.connected(async (scope) => {
    if (value === "RUN") return runCandidates(await runs(scope), start);
    const { items } = await scope.kube.listPage("namespaces", { limit: 500 }, scope.signal);
    return items.map(({ metadata }) => [metadata.name, ""]);
  }, PREFECT_MS);
}

/** The runs of the first page of Jobs and, if Prefect answers, their states and its latest runs. */
async function runs({ kube, namespace, directories }: ClusterScope): Promise<readonly InventoryRun[]> {
  const { loadInventory } = await import("../../inventory/load.ts");
  const firstPages: Pick<KubeApi, "listPage"> = {
    listPage: async (...query) => ({ ...(await kube.listPage(...query)), next: undefined }),
  };
  return (await loadInventory(firstPages, directories, { namespace, endedWithinMs: ENDED_WITHIN_MS })).runs;
}

/**
 * Runs by their names, where no other has it and a shell takes it as one word, else by their ids; once a word is begun also by
 * their ids and Jobs.
 */
function runCandidates(found: readonly InventoryRun[], start: string): Candidate[] {
  const byName = Map.groupBy(found, ({ name }) => name);
  return found.flatMap(({ flowRunId, name = "", status, observed }) => {
    const state = status.kind === "unknown" ? "" : `${stateText(status)}, `;
    const jobs = observed.jobs.map(({ job }) => job.metadata.name);
    const isWord = /^[\p{L}\p{N}][\p{L}\p{N}_.:@%+,=/-]*$/u.test(name);
    const isOffered = isWord && byName.get(name)?.length === 1;
    const all: readonly Candidate[] = [
      ...(isOffered ? [[name, `${state}${flowRunId}`] as const] : []),
      [flowRunId, `${state}${name || jobs.join(", ")}`],
      ...jobs.map((job) => [`job/${job}`, name || flowRunId] as const),
    ];
    return start === "" ? all.slice(0, 1) : all;
  });
}
