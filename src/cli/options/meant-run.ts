// RUN for commands that look into the cluster: found by the labels there, then in Prefect.

import { isUuid } from "../../base/uuid.ts";
import { ExpectedError, SettingsError } from "../../base/errors.ts";
import type { PrefectVersion, InventoryRun } from "../../inventory/inventory.ts";
import { loadInventory } from "../../inventory/load.ts";
import type { RunView } from "../../job/decide/decide.ts";
import { parseRunRef } from "../flow-run-ref.ts";
import type { RunRef } from "../flow-run-ref.ts";
import type { Place } from "./namespaced-command.ts";
import type { ListingStates } from "../prefect-states.ts";

/** The one run that was meant. */
export interface MeantRun {
  readonly id: string;
  readonly prefectVersion: PrefectVersion;
  readonly name: string | undefined;
  readonly view: RunView;
  /** Where its Jobs are; undefined when it has none. */
  readonly namespace: string | undefined;
}

/**
 * The run. Throws ExpectedError when there is none, SettingsError with the candidates when several are meant, and
 * KubeError or PrefectError when one that must be asked does not answer.
 */
export async function meantRun(
  text: string,
  { connection, namespace }: Place,
  given: { readonly states: ListingStates; readonly signal: AbortSignal },
): Promise<MeantRun> {
  const { states, signal } = given;
  const ref = parseRunRef(text);
  const { kube } = connection;
  const isWhole = isUuid(text);
  const only = isWhole ? { flowRunId: text.toLowerCase() } : {};
  const fieldSelector = ref.kind === "job" ? `metadata.name=${ref.name}` : undefined;
  const query = { namespace, fieldSelector, ...only, signal };
  const { runs, refusals } = await loadInventory(kube, states.sources, query);
  const refusal = refusals?.get("jobs");
  if (refusal !== undefined) throw refusal;
  const found = unique(runs.filter((run) => isMeant(run, ref)).map(fromCluster));
  const known = found.length > 0 || ref.kind === "job" ? found : await inPrefect(ref, isWhole, states);
  const [first, ...others] = known;
  if (first === undefined) throw notFound(ref, namespace, states);
  if (others.length === 0) return first;
  const lines = known.map((run) => `${run.id} ${run.name ?? ""} (${run.namespace ?? "not in the cluster"})`);
  throw new SettingsError(
    `cannot choose flow run "${text}": it means ${known.length} of them: ${lines.join(", ")}`,
    {
      hint: "give more of the id, or job/NAME",
    },
  );
}

function isMeant(run: InventoryRun, ref: RunRef): boolean {
  const names = run.observed.jobs.map(({ job }) => job.metadata.name);
  if (ref.kind === "job") return names.includes(ref.name);
  if (run.name === ref.text || names.includes(ref.text)) return true;
  return ref.idPrefix !== undefined && run.flowRunId.toLowerCase().startsWith(ref.idPrefix);
}

function fromCluster(run: InventoryRun): MeantRun {
  const { flowRunId: id, prefectVersion, name, run: view, namespace } = run;
  return { id, prefectVersion, name, view, namespace };
}

async function inPrefect(ref: RunRef, isWhole: boolean, states: ListingStates): Promise<readonly MeantRun[]> {
  if (isWhole) {
    const run = await states.lookUp(ref.text.toLowerCase());
    return run === undefined ? [] : [{ ...run, namespace: undefined }];
  }
  const runs = await states.find(ref.text, ref.kind === "run" ? ref.idPrefix : undefined);
  return runs.map((run) => ({ ...run, namespace: undefined }));
}

/** A run with Jobs in two namespaces is two; several Jobs in one are not. */
function unique(runs: readonly MeantRun[]): readonly MeantRun[] {
  return [...new Map(runs.map((run) => [`${run.namespace}/${run.id}`, run])).values()];
}

function notFound(ref: RunRef, namespace: string | undefined, states: ListingStates): ExpectedError {
  const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
  if (ref.kind === "job") {
    return new ExpectedError(
      `cannot find Job "${ref.name}": ${where} has no Job of a flow run with this name`,
      {
        hint: "see what there is with: kubectl prefect jobs -A",
      },
    );
  }
  const asked = states.addresses.length > 0;
  const isShort = /^[0-9a-f]{4,7}$/i.test(ref.text);
  return new ExpectedError(
    `cannot find flow run "${ref.text}": it has no Job in ${where}${asked ? ", and Prefect does not know it" : ""}`,
    {
      hint: isShort
        ? "of an id give 8 characters or more"
        : asked
          ? "see what there is with: kubectl prefect jobs -A"
          : "names of Prefect 1 are known to its API only; name it with --api or PREFECT__CLOUD__API",
    },
  );
}
