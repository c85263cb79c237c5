// Resolves RUN of a command line: a flow run's id, a prefix of it, its name, or the Job that runs it.

import { ExpectedError, SettingsError } from "../base/errors.ts";
import { suggest } from "../base/suggest.ts";
import { isUuid } from "../base/uuid.ts";
import type { Inventory, InventoryRun } from "../inventory/inventory.ts";
import { stateText } from "../inventory/job-row.ts";
import type { ClusterScope } from "./cluster-scope.ts";

/** RUN, parsed. */
export interface RunRef {
  readonly text: string;
  /** The Job of `job/NAME`; undefined: it names a run. */
  readonly job: string | undefined;
  /** In the form of ids, if it can be the prefix of one. */
  readonly idPrefix: string | undefined;
}

/** The flow run that RUN stands for. */
export interface ResolvedRun extends Pick<InventoryRun, "flowRunId" | "name" | "prefectVersion" | "status"> {
  /** The namespace of its Jobs; undefined without Jobs. */
  readonly namespace: string | undefined;
}

export interface ResolveOptions extends Omit<ClusterScope, "kube"> {
  /** What was listed in the cluster. */
  readonly inventory: Pick<Inventory, "runs" | "forbidden">;
  /** Query Prefect even if the cluster has a match: before a deletion, no second run of that name may exist. */
  readonly mustBeUnique: boolean;
}

/** The most runs to fetch from each API for one name. */
const MAX_RESULTS = 10;
const ID_LENGTH = 36;
const SHORT_ID = 8;
const ORDERED_ID = 13;
/** The position of the version digit in a UUID. */
const VERSION_AT = 14;
const SUGGESTED_WITHIN_MS = 7 * 86_400_000;
const PREFIX = /^[0-9a-f]{8}[0-9a-f-]*$/i;
const TOO_SHORT = /^[0-9a-f]{4,7}$/i;

/** Parses RUN. Any text can be a name, even if it looks like the prefix of an id. */
export function parseRunRef(text: string): RunRef {
  // With other characters it is no Job's name, and no field selector.
  const [, job] = /^jobs?(?:\.batch)?\/([^,=\\]+)$/.exec(text) ?? [];
  const isPrefix = text.length <= ID_LENGTH && PREFIX.test(text);
  return { text, job, idPrefix: isPrefix ? withHyphens(text) : undefined };
}

/**
 * The flow run. Throws ExpectedError when there is none, SettingsError with the candidates when there are several, and
 * KubeError or PrefectError when an API that must be queried fails.
 */
export async function resolveRun(text: string, options: ResolveOptions): Promise<ResolvedRun> {
  const ref = parseRunRef(text);
  const matching: readonly ResolvedRun[] = options.inventory.runs.filter((run) => matches(run, ref));
  // Commands that only read show one namespace.
  const keyOf = (run: ResolvedRun) => (options.mustBeUnique ? "" : `${run.namespace}/`) + run.flowRunId;
  const inCluster = [...new Map(matching.map((run) => [keyOf(run), run])).values()];
  const isExact = ref.job !== undefined || inCluster.some((run) => run.flowRunId === text.toLowerCase());
  const mustQuery = !isExact && (inCluster.length === 0 || options.mustBeUnique);
  const known = mustQuery ? await findInPrefect(ref, options) : [];
  // Of the same run prefer the one from the cluster: it has the namespace of the Jobs.
  const idsInCluster = new Set(inCluster.map(({ flowRunId }) => flowRunId));
  const candidates = [...inCluster, ...known.filter(({ flowRunId }) => !idsInCluster.has(flowRunId))];
  if (candidates.length === 0) throw await notFound(ref, options);
  return chooseRun(ref, candidates);
}

/**
 * A prefix that tells ids apart. Newer ids of Prefect 3 (UUID version 7) start with a timestamp: the first 8 digits are
 * the same for a minute, so the next group is shown too.
 */
export function shortId(id: string): string {
  return id.slice(0, id.charAt(VERSION_AT) === "7" ? ORDERED_ID : SHORT_ID);
}

/** The only candidate. Throws SettingsError when there are several; there must be one. */
export function chooseRun<
  Run extends { readonly flowRunId: string; readonly name: string | null | undefined },
>({ text, job }: RunRef, candidates: readonly Run[]): Run {
  const exact = candidates.filter(({ flowRunId }) => flowRunId === text.toLowerCase());
  const found = exact.length > 0 ? exact : candidates;
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  const lines = found.map(
    (run) => `${run.flowRunId} (${[run.name, stateOf(run), locationOf(run)].filter(Boolean).join(", ")})`,
  );
  const count = `${found.length}${found.length >= MAX_RESULTS ? " or more" : ""}`;
  throw new SettingsError(`cannot choose a flow run: ${count} match "${text}": ${lines.join(", ")}`, {
    hint:
      job !== undefined || found.every(({ flowRunId }) => flowRunId === first?.flowRunId)
        ? "choose a namespace with -n"
        : "use more of the id, or job/NAME",
  });
}

function stateOf(run: object): string {
  return "status" in run ? stateText(run.status as ResolvedRun["status"]) : "";
}

function locationOf(run: object): string {
  if (!("namespace" in run)) return "";
  return typeof run.namespace === "string" ? `namespace ${run.namespace}` : "not in the cluster";
}

function matches(run: InventoryRun, ref: RunRef): boolean {
  const names = run.observed.jobs.map(({ job }) => job.metadata.name);
  if (ref.job !== undefined) return names.includes(ref.job);
  if (run.name === ref.text || run.flowRunId === ref.text || names.includes(ref.text)) return true;
  return ref.idPrefix !== undefined && run.flowRunId.toLowerCase().startsWith(ref.idPrefix);
}

async function findInPrefect(
  { text: name, idPrefix }: RunRef,
  { directories, mustBeUnique, signal }: ResolveOptions,
): Promise<readonly ResolvedRun[]> {
  const results = await Promise.allSettled(
    ([1, 2] as const).map(async (prefectVersion): Promise<readonly ResolvedRun[]> => {
      const directory = directories[prefectVersion];
      const byId = isUuid(name) ? await directory?.runs([name.toLowerCase()], signal) : undefined;
      // A run may have been named after an id.
      const found = byId?.size
        ? [...byId.values()]
        : await directory?.find({ name, idPrefix, limit: MAX_RESULTS }, signal);
      return (found ?? []).map(({ id: flowRunId, name, ...row }) => ({
        flowRunId,
        prefectVersion,
        name,
        status: { kind: "known", ...row },
        namespace: undefined,
      }));
    }),
  );
  const found = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const byId = found.find(({ flowRunId }) => flowRunId === name.toLowerCase());
  if (byId !== undefined) return [byId];
  // The API that failed may have such a run, too: only who reads may go on.
  if (found.length === 0 || mustBeUnique)
    for (const result of results) if (result.status === "rejected") throw result.reason;
  return found;
}

async function notFound(ref: RunRef, options: ResolveOptions): Promise<Error> {
  const { inventory, namespace, directories } = options;
  const refusal = inventory.forbidden?.get("jobs");
  if (refusal !== undefined) return refusal;
  const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
  const list = "list the flow runs with: kubectl prefect jobs -A";
  if (ref.job !== undefined) {
    const message = `cannot find Job "${ref.job}": ${where} has no flow run's Job with this name`;
    return new ExpectedError(message, { hint: list });
  }
  const isPrefectConfigured = Object.values(directories).some((each) => each !== undefined);
  const unknown = isPrefectConfigured ? ", and Prefect has no such run" : "";
  const message = `cannot find flow run "${ref.text}": it has no Job in ${where}${unknown}`;
  if (TOO_SHORT.test(ref.text))
    return new ExpectedError(message, { hint: "use at least 8 characters of an id" });
  const similar = suggest(ref.text, await knownNames(options));
  if (similar !== undefined) return new ExpectedError(message, { hint: `did you mean ${similar}?` });
  const setApi =
    "to find a run by name, set the Prefect API: --api or PREFECT__CLOUD__API; for Prefect 2 and 3 PREFECT_API_URL";
  return new ExpectedError(message, { hint: isPrefectConfigured ? list : setApi });
}

/** The names of the runs here and of the latest in Prefect; a Prefect that does not answer suggests nothing. */
async function knownNames({ inventory, directories, signal }: ResolveOptions) {
  const recent = Object.values(directories).map(
    async (each) => (await each?.recent(SUGGESTED_WITHIN_MS, signal))?.runs ?? [],
  );
  const known = await Promise.all(recent).catch(() => []);
  return [...inventory.runs, ...known.flat()].flatMap(({ name }) => name ?? []);
}

/** A prefix with the hyphens of a UUID, however it was typed. */
function withHyphens(prefix: string): string {
  const digits = prefix.replaceAll("-", "").toLowerCase();
  const groups = [8, 12, 16, 20, 32].map((end, at) => digits.slice([0, 8, 12, 16, 20][at], end));
  return groups.filter((group) => group !== "").join("-");
}
