// Inventory: a run that the asked Prefect does not know was deleted only if it certainly belonged to it; else its status is
// unknown, since another Prefect may have it.

import { belongsTo, originIds, type AskedApi } from "../job/job-origin.ts";
import { pagesOf } from "../base/pages.ts";
import type { Job } from "../kube/client/objects.ts";
import { attempt, type Answer } from "../base/attempt.ts";
import type { ExpectedError } from "../base/errors.ts";
import type { InventoryRun, PrefectVersion } from "./inventory.ts";
import type { StateSources } from "./run-states.ts";

/** Ids in one request. */
const BATCH = 200;

/** The runs, and warnings about those whose status is unknown. An API that fails knows nothing. */
export async function withProvenDeletions(
  runs: readonly InventoryRun[],
  sources: StateSources,
  signal?: AbortSignal,
): Promise<{ readonly runs: readonly InventoryRun[]; readonly warnings: readonly string[] }> {
  const missing = runs.filter(({ status }) => status.kind === "missing");
  if (missing.length === 0) return { runs, warnings: [] };
  const ask = (version: PrefectVersion): ReturnType<typeof askedApi> =>
    askedApi(jobsOf(missing, version), sources[version], signal);
  const [api1, api2] = await Promise.all([ask(1), ask(2)]);
  const apiOf = ({ prefectVersion }: InventoryRun): typeof api1 => (prefectVersion === 1 ? api1 : api2);
  const unproven = new Set(missing.filter((run) => !isFrom(run, apiOf(run))));
  const marked = runs.map((run): InventoryRun =>
    unproven.has(run) ? { ...run, status: { kind: "unknown" } } : run,
  );
  const groups = Map.groupBy(unproven, (run) => unknownBecause(apiOf(run)?.error));
  return { runs: marked, warnings: [...groups].map(([why, { length }]) => unknownText(length, why)) };
}

function unknownBecause(error: ExpectedError | undefined): string {
  return error === undefined
    ? "check the API address and the tenant, or whether another Prefect uses this cluster"
    : `it cannot be asked whether it had them: ${error.message}`;
}

function unknownText(count: number, why: string): string {
  const [are, states] = count === 1 ? ["run is", "its state is"] : ["runs are", "their states are"];
  return `${count} flow ${are} not in this Prefect, so ${states} unknown: ${why}`;
}

function isFrom({ observed }: InventoryRun, api: Answer<AskedApi> | undefined): boolean {
  return api?.ok === true && observed.jobs.some(({ job }) => belongsTo(job, api.value));
}

function jobsOf(runs: readonly InventoryRun[], version: PrefectVersion): readonly Job[] {
  const ofVersion = runs.filter(({ prefectVersion }) => prefectVersion === version);
  return ofVersion.flatMap(({ observed }) => observed.jobs.map(({ job }) => job));
}

async function askedApi(
  jobs: readonly Job[],
  source: StateSources[PrefectVersion],
  signal: AbortSignal | undefined,
): Promise<Answer<AskedApi> | undefined> {
  if (source === undefined || jobs.length === 0) return undefined;
  const ids = [...new Set(jobs.flatMap(originIds))];
  return attempt(async () => {
    const known = new Set<string>();
    for (const page of pagesOf(ids, BATCH))
      for (const id of await source.knownIds(page, signal)) known.add(id);
    return { address: source.address, tenantId: await source.tenantId(signal), known };
  });
}
