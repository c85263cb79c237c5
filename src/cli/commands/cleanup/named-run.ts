// RUN where objects are going to be removed: what is in the cluster first, then Prefect; never a guess between two.

import { ExpectedError, SettingsError } from "../../../base/errors.ts";
import type { PrefectVersion, Inventory, InventoryRun } from "../../../inventory/inventory.ts";
import type { RunView } from "../../../job/decide/decide.ts";
import type { RunRef } from "../../flow-run-ref.ts";
import { parseRunRef } from "../../flow-run-ref.ts";
import type { ListingStates } from "../../prefect-states.ts";

/** A flow run that was named. */
export interface NamedRun {
  readonly id: string;
  readonly prefectVersion: PrefectVersion;
  readonly name: string | undefined;
  readonly view: RunView;
}

/** The run that is meant. Throws ExpectedError when there is none, SettingsError when there are several. */
export async function namedRun(
  text: string,
  { runs, refusals }: Pick<Inventory, "runs" | "refusals">,
  states: Pick<ListingStates, "find">,
): Promise<NamedRun> {
  const ref = parseRunRef(text);
  const here = distinct(runs.filter((run) => isMeant(run, ref)).map(candidate));
  const exact = here.find(({ id }) => id === text.toLowerCase());
  if (exact !== undefined) return exact;
  // The beginning of an id may fit a run that has nothing in the cluster as well, and so may a name.
  const known = ref.kind === "run" ? await states.find(text, ref.idPrefix) : [];
  const [first, second] = distinct([...here, ...known]);
  if (first === undefined) throw refusals?.get("jobs") ?? notFound(ref);
  if (second === undefined) return first;
  const ids = distinct([...here, ...known]).map(({ id }) => id);
  throw new SettingsError(`cannot tell which flow run "${text}" is: several are called so`, {
    hint: `give the id of one: ${ids.join(", ")}`,
  });
}

function isMeant(run: InventoryRun, ref: RunRef): boolean {
  if (ref.kind === "job") return run.observed.jobs.some(({ job }) => job.metadata.name === ref.name);
  const isPrefix = ref.idPrefix !== undefined && run.flowRunId.toLowerCase().startsWith(ref.idPrefix);
  return isPrefix || run.name === ref.text || run.flowRunId === ref.text;
}

function candidate({ flowRunId: id, prefectVersion, name, run: view }: InventoryRun): NamedRun {
  return { id, prefectVersion, name, view };
}

function distinct(found: readonly NamedRun[]): readonly NamedRun[] {
  return [...new Map(found.map((run) => [run.id, run])).values()];
}

function notFound(ref: RunRef): ExpectedError {
  if (ref.kind === "job") {
    return new ExpectedError(
      `cannot find the flow run of Job "${ref.name}": no flow run has such a Job here`,
      {
        hint: "choose the namespace with -n, or -A",
      },
    );
  }
  return new ExpectedError(`cannot find flow run "${ref.text}": neither the cluster nor Prefect has it`, {
    hint: "check the name, the namespace (-n, -A) and the address of Prefect (--api, PREFECT_API_URL)",
  });
}
