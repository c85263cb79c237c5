// Completion of RUN: flow runs that have a Job in the cluster, by name, by id, and by Job. Who urgent the tab key waits no
// longer than a moment: what has not come by then is left out.

import { aborted } from "../../base/clock.ts";
import type { PrefectVersion, InventoryRun } from "../../inventory/inventory.ts";
import { stateText } from "../../inventory/job-row.ts";
import { RUN_LABELS, groupRuns, withPrefectData } from "../../inventory/group-runs.ts";
import type { Job } from "../../kube/client/objects.ts";
import type { TypedFlags } from "./typed-flags.ts";
import type { CliContext } from "../context.ts";

/** A word, and what it means to people. */
export type Candidate = readonly [word: string, meaning: string];

const PREFECT_VERSIONS: readonly PrefectVersion[] = [1, 2];
/** The cluster's part of the wait, and Prefect's: names of Prefect 1 are known to its API alone. */
const CLUSTER_MS = 2_000;
const PREFECT_MS = 1_000;
const JOBS_AT_MOST = 500;
const STATES_AT_MOST = 100;

/** What RUN may go on with; newest Jobs first. Throws what keeps the cluster from answering. */
export async function runCandidates(
  start: string,
  flags: TypedFlags,
  context: CliContext,
): Promise<readonly Candidate[]> {
  const runs = await namedRuns(await runsThere(flags, context), flags, context);
  return candidatesOf(runs, start).filter(([word]) => word.startsWith(start));
}

/** By name, or by id where no name can be typed or an id is being; by Job once `job/` is begun. Pure. */
export function candidatesOf(runs: readonly InventoryRun[], start: string): readonly Candidate[] {
  const byRun = runs.flatMap((run): Candidate[] => {
    const { flowRunId } = run;
    const name = run.name !== undefined && isOneWord(run.name) ? run.name : undefined;
    const jobs = run.observed.jobs.map(({ job }) => job.metadata.name).join(", ");
    const state = run.status.kind === "unknown" ? "" : `${stateText(run.status)}, `;
    const wantsId = name === undefined || (start !== "" && flowRunId.startsWith(start));
    return [
      ...(name === undefined ? [] : [[name, `${state}${flowRunId}`] as const]),
      ...(wantsId ? [[flowRunId, `${state}${run.name ?? jobs}`] as const] : []),
    ];
  });
  const isJob = start !== "" && (start.startsWith("job/") || "job/".startsWith(start));
  const byJob = runs.flatMap(({ flowRunId, name, observed }) =>
    observed.jobs.map(({ job }): Candidate => [`job/${job.metadata.name}`, name ?? flowRunId]),
  );
  return isJob ? [...byRun, ...byJob] : byRun;
}

async function runsThere(flags: TypedFlags, context: CliContext): Promise<readonly InventoryRun[]> {
  const { kube, target } = await context.connectKube({ ...flags.connection });
  const own = flags.namespace ?? target.namespace ?? "";
  const namespace = flags.allNamespaces ? undefined : own === "" ? "default" : own;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(CLUSTER_MS)]);
  try {
    const pages = await Promise.all(
      PREFECT_VERSIONS.map((prefectVersion) => {
        const query = { namespace, labelSelector: RUN_LABELS[prefectVersion], limit: JOBS_AT_MOST };
        return kube.listPage("jobs", query, signal);
      }),
    );
    const jobs = pages.flatMap(({ items }) => items).toSorted((left, right) => madeMs(right) - madeMs(left));
    return groupRuns({ jobs, pods: [], events: [] });
  } finally {
    kube.close();
  }
}

/** The runs with their states and names, as far as a Prefect that somebody has named tells them in time. */
async function namedRuns(
  runs: readonly InventoryRun[],
  flags: TypedFlags,
  context: CliContext,
): Promise<readonly InventoryRun[]> {
  if (runs.length === 0) return runs;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PREFECT_MS)]);
  try {
    return await Promise.race([asked(runs, flags, { ...context, signal }), aborted(signal).then(() => runs)]);
  } catch {
    return runs;
  }
}

async function asked(
  runs: readonly InventoryRun[],
  flags: TypedFlags,
  context: CliContext,
): Promise<readonly InventoryRun[]> {
  const { runDirectories } = await import("../run-directories.ts");
  const { loadPrefectConfig } = await import("../../prefect1/config/load.ts");
  const { StateReader } = await import("../../inventory/run-states.ts");
  const { env, readFile, signal } = context;
  const directories = runDirectories(context, loadPrefectConfig({ env, readFile, flags: flags.prefect }));
  try {
    const states = new StateReader(directories.byVersion, signal);
    return await Promise.all(
      runs.map(async (run, at) =>
        at < STATES_AT_MOST
          ? withPrefectData(run, await states.read(run.prefectVersion, run.flowRunId))
          : run,
      ),
    );
  } finally {
    directories.close();
  }
}

/** What a shell can take back as one word without quoting. */
function isOneWord(word: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}_.:@%+,=/-]*$/u.test(word);
}

function madeMs({ metadata }: Job): number {
  return Date.parse(metadata.creationTimestamp);
}
