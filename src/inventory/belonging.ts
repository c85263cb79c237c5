// Inventory: a run that the asked Prefect does not know was deleted only if it certainly belonged to it; else its status is
// unknown, since another Prefect may have it.

import { belongsTo, originIds } from "../job/job-origin.ts";
import type { AskedApi } from "../job/job-origin.ts";
import { ExpectedError } from "../base/errors.ts";
import type { InventoryRun, PrefectVersion } from "./inventory.ts";
import type { StateSources } from "./run-states.ts";

/** Ids in one request. */
const BATCH = 200;

/** The runs, and a warning about those whose status is unknown. An API that fails knows nothing. */
export async function withProvenDeletions(
  runs: readonly InventoryRun[],
  sources: StateSources,
  signal?: AbortSignal,
): Promise<{ readonly runs: readonly InventoryRun[]; readonly warnings: readonly string[] }> {
  const missing = runs.filter(({ status }) => status.kind === "missing");
  if (missing.length === 0) return { runs, warnings: [] };
  const [api1, api2] = await Promise.all([
    askedApi(missing, 1, sources[1], signal),
    askedApi(missing, 2, sources[2], signal),
  ]);
  const apis = { 1: api1, 2: api2 };
  let unproven = 0;
  const marked = runs.map((run): InventoryRun => {
    const api = apis[run.prefectVersion];
    if (run.status.kind !== "missing" || (api !== undefined && isFrom(run, api))) return run;
    unproven++;
    return { ...run, status: { kind: "unknown" } };
  });
  const count = unproven === 1 ? "1 flow run is" : `${unproven} flow runs are`;
  const warning = `${count} not in this Prefect, and may belong to another one: ${unproven === 1 ? "its state is" : "their states are"} unknown`;
  return { runs: marked, warnings: unproven === 0 ? [] : [warning] };
}

function isFrom({ observed }: InventoryRun, api: AskedApi): boolean {
  return observed.jobs.some(({ job }) => belongsTo(job, api));
}

async function askedApi(
  runs: readonly InventoryRun[],
  version: PrefectVersion,
  source: StateSources[PrefectVersion],
  signal: AbortSignal | undefined,
): Promise<AskedApi | undefined> {
  const jobs = runs
    .filter(({ prefectVersion }) => prefectVersion === version)
    .flatMap(({ observed }) => observed.jobs.map(({ job }) => job));
  if (source === undefined || jobs.length === 0) return undefined;
  const ids = [...new Set(jobs.flatMap(originIds))];
  const known = new Set<string>();
  try {
    for (let at = 0; at < ids.length; at += BATCH)
      for (const id of await source.knownIds(ids.slice(at, at + BATCH), signal)) known.add(id);
    return { address: source.address, tenantId: await source.tenantId(signal), known };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return undefined;
  }
}
