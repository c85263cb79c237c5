// RUN on a command line: a flow run's id, a prefix of it, its name, or the Job that runs it. The only resolver.

import { ExpectedError, SettingsError } from "../base/errors.ts";
import { isUuid } from "../base/uuid.ts";
import type { Inventory, InventoryRun, PrefectVersion } from "../inventory/inventory.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { RunDirectories } from "./run-directories.ts";

/** How a flow run was named. */
export type RunRef =
  | { readonly kind: "job"; readonly name: string; readonly text: string }
  | { readonly kind: "run"; readonly idPrefix: string | undefined; readonly text: string };

/** The flow run that is meant. */
export interface ResolvedRun {
  readonly id: string;
  readonly prefectVersion: PrefectVersion;
  readonly name: string | undefined;
  readonly status: RunStatus;
  /** The namespace of its Jobs; undefined when it has none. */
  readonly namespace: string | undefined;
}

export interface ResolveOptions {
  /** What was listed of the cluster. */
  readonly inventory: Pick<Inventory, "runs" | "refusals">;
  /** The namespace that was listed; undefined: all. */
  readonly namespace: string | undefined;
  readonly directories: Pick<RunDirectories, "find" | "lookUp" | "addresses">;
  readonly signal: AbortSignal;
  /**
   * Whether Prefect is asked even if the cluster has a run that fits: before something is deleted it must be certain that
   * no second run is called so.
   */
  readonly mustBeUnique: boolean;
}

const ID_LENGTH = 36;
const PREFIX = /^[0-9a-f]{8}(?:-?[0-9a-f]*)*$/i;
const TOO_SHORT = /^[0-9a-f]{4,7}$/i;

/** What a RUN means. Any text can be a name; what looks like the beginning of an id may be one as well. */
export function parseRunRef(text: string): RunRef {
  const job = /^jobs?(?:\.batch)?\/(.+)$/.exec(text);
  if (job !== null) return { kind: "job", name: job[1] ?? "", text };
  const isPrefix = text.length <= ID_LENGTH && PREFIX.test(text);
  return { kind: "run", idPrefix: isPrefix ? withHyphens(text) : undefined, text };
}

/**
 * The flow run. Throws ExpectedError when there is none, SettingsError with the candidates when several are meant, and
 * KubeError or PrefectError when one that must be asked does not answer.
 */
export async function resolveRun(text: string, options: ResolveOptions): Promise<ResolvedRun> {
  const ref = parseRunRef(text);
  const fitting = options.inventory.runs.filter((run) => isMeant(run, ref)).map(fromCluster);
  const here = distinct(fitting, options.mustBeUnique);
  const isSettled = here.some(({ id }) => id === text.toLowerCase()) || ref.kind === "job";
  const mustAsk = !isSettled && (here.length === 0 || options.mustBeUnique);
  const known = mustAsk ? await inPrefect(ref, options) : [];
  // What the cluster knows of a run counts more: it says where its Jobs are.
  const hereIds = new Set(here.map(({ id }) => id));
  return chooseRun(ref, [...here, ...known.filter(({ id }) => !hereIds.has(id))], () =>
    notFound(ref, options),
  );
}

/** The one of the candidates that is meant. Throws what `none` makes when there is none, SettingsError when there are several. */
export function chooseRun<Run extends { readonly id: string; readonly name?: string | null | undefined }>(
  { text }: RunRef,
  candidates: readonly Run[],
  none: () => Error,
): Run {
  const exact = candidates.filter(({ id }) => id === text.toLowerCase());
  const meant = exact.length > 0 ? exact : candidates;
  const [first, second] = meant;
  if (first === undefined) throw none();
  if (second === undefined) return first;
  const lines = meant.map((run) => `${run.id} (${[run.name, placeOf(run)].filter(Boolean).join(", ")})`);
  throw new SettingsError(
    `cannot tell which flow run "${text}" is: ${meant.length} are called so: ${lines.join(", ")}`,
    { hint: "give more of the id, or job/NAME" },
  );
}

function placeOf(run: object): string {
  if (!("namespace" in run)) return "";
  return typeof run.namespace === "string" ? `namespace ${run.namespace}` : "not in the cluster";
}

function isMeant(run: InventoryRun, ref: RunRef): boolean {
  const names = run.observed.jobs.map(({ job }) => job.metadata.name);
  if (ref.kind === "job") return names.includes(ref.name);
  if (run.name === ref.text || run.flowRunId === ref.text || names.includes(ref.text)) return true;
  return ref.idPrefix !== undefined && run.flowRunId.toLowerCase().startsWith(ref.idPrefix);
}

function fromCluster(run: InventoryRun): ResolvedRun {
  const { flowRunId: id, prefectVersion, name, status, namespace } = run;
  return { id, prefectVersion, name, status, namespace };
}

/** Several Jobs of a run in one namespace are one run; what only looks must know which namespace is meant. */
function distinct(runs: readonly ResolvedRun[], acrossNamespaces: boolean): readonly ResolvedRun[] {
  const keyOf = ({ id, namespace }: ResolvedRun): string => (acrossNamespaces ? id : `${namespace}/${id}`);
  return [...new Map(runs.map((run) => [keyOf(run), run])).values()];
}

async function inPrefect(
  ref: RunRef,
  { directories, signal }: ResolveOptions,
): Promise<readonly ResolvedRun[]> {
  const found = isUuid(ref.text)
    ? await directories.lookUp(ref.text.toLowerCase(), signal)
    : await directories.find(ref.text, ref.kind === "run" ? ref.idPrefix : undefined, signal);
  const runs = found === undefined ? [] : "id" in found ? [found] : found;
  return runs.map(({ id, prefectVersion, name, state }) => ({
    id,
    prefectVersion,
    name,
    status: { kind: "known", state },
    namespace: undefined,
  }));
}

function notFound(ref: RunRef, { inventory, namespace, directories }: ResolveOptions): Error {
  const refusal = inventory.refusals?.get("jobs");
  if (refusal !== undefined) return refusal;
  const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
  const list = "see what there is with: kubectl prefect jobs -A";
  if (ref.kind === "job") {
    const message = `cannot find Job "${ref.name}": ${where} has no Job of a flow run with this name`;
    return new ExpectedError(message, { hint: list });
  }
  const isAsked = directories.addresses.length > 0;
  const unknown = isAsked ? ", and Prefect does not know it" : "";
  const message = `cannot find flow run "${ref.text}": it has no Job in ${where}${unknown}`;
  if (TOO_SHORT.test(ref.text))
    return new ExpectedError(message, { hint: "of an id give 8 characters or more" });
  const nameApi = "Prefect 1's names are known to its API only; name it with --api or PREFECT__CLOUD__API";
  return new ExpectedError(message, { hint: isAsked ? list : nameApi });
}

/** A prefix in the grouping of a UUID, however it was written. */
function withHyphens(prefix: string): string {
  const digits = prefix.replaceAll("-", "").toLowerCase();
  const groups = [8, 12, 16, 20, 32].map((end, at) => digits.slice([0, 8, 12, 16, 20][at], end));
  return groups.filter((group) => group !== "").join("-");
}
