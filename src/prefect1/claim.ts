// Claims: many states in one mutation, and the truth about each when the answer is an error or gets lost.
// The server may have applied some of a refused batch (prefect-1 protocol: set_flow_run_states), so the runs are looked up.

import { isRetryable } from "../base/errors.ts";
import { objectIn, textIn } from "../base/json.ts";
import type { Claim, ClaimOutcome } from "./api.ts";
import { PrefectError } from "./errors.ts";
import type { State } from "./states.ts";

/** The key in a state's context under which a claim says whose it is. */
export const CLAIM_KEY = "kubectl_prefect";

/** What a claim leaves in Prefect, so that whoever finds the run later can finish the submission. */
export interface ClaimRecord {
  /** This claim and no other. */
  readonly id: string;
  /** Cluster and namespace in which the Job is due. */
  readonly scope: string;
  /** Identifier of the Job that is due. */
  readonly identifier: string;
  /** The process that made it, as Jobs name their owner; whoever finds the claim can tell whether that one still works on it. */
  readonly by?: string | undefined;
}

/** The mark in a state, if it is one of our claims. */
export function claimRecordOf(state: State): ClaimRecord | undefined {
  const mark = objectIn(objectIn(state.context)[CLAIM_KEY]);
  const [id, place, identifier] = [mark["id"], mark["scope"], mark["identifier"]].map(textIn);
  if (id === undefined || place === undefined || identifier === undefined) return undefined;
  return { id, scope: place, identifier, by: textIn(mark["by"]) };
}

export interface ClaimingDeps {
  /** Sets all states in one mutation; throws when any was refused. */
  readonly set: (claims: readonly Claim[]) => Promise<void>;
  /** The state and version of each as they stand now. */
  readonly look: (ids: readonly string[]) => Promise<Fakeg>;
}

type Fakeg = ReadonlyMap<string, { readonly version: number; readonly state: State }>;

/**
 * Claims each; the answers stand in the order of the claims. Throws what leaves a claim unknown or unmade: those claims
 * are to be asked for `again`, since some of them may stand.
 */
export async function claimAll(claims: readonly Claim[], deps: ClaimingDeps): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  const repeated = claims.filter(({ again }) => again === true);
  // Prefect Server takes no account of versions: a repeat that came late would undo what happened meanwhile.
  const known = repeated.length === 0 ? undefined : outcomesOf(repeated, await deps.look(idsOf(repeated)));
  const open = claims.filter(({ id }) => known?.get(id) === undefined);
  const answers = await claimOpen(open, deps);
  const fresh = new Map(open.map(({ id }, at) => [id, answers[at]]));
  return claims.map(({ id }) => known?.get(id) ?? fresh.get(id) ?? "taken");
}

async function claimOpen(claims: readonly Claim[], deps: ClaimingDeps): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  try {
    await deps.set(claims);
    return claims.map(() => "claimed");
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "unauthorized") throw error;
    const known = outcomesOf(claims, await deps.look(idsOf(claims)));
    const untouched = claims.filter(({ id }) => known.get(id) === undefined);
    const rest = await claimUntouched(untouched, { error, alone: claims.length === 1 }, deps);
    return claims.map(({ id }) => known.get(id) ?? rest.get(id) ?? "taken");
  }
}

/** Claims that had no effect: refused because of another one in their batch, or because of themselves, or never heard. */
async function claimUntouched(
  claims: readonly Claim[],
  after: { readonly error: unknown; readonly alone: boolean },
  deps: ClaimingDeps,
): Promise<ReadonlyMap<string, ClaimOutcome>> {
  if (claims.length === 0) return new Map();
  const { error, alone } = after;
  if (isRetryable(error)) throw error;
  if (!alone) {
    const each = claims.map(
      async (claim) => [claim.id, (await claimOpen([claim], deps))[0] ?? "taken"] as const,
    );
    return new Map(await Promise.all(each));
  }
  // The Submitted lock of 30 s.
  if (error instanceof PrefectError && error.failure === "locked") return new Map();
  throw error;
}

/** Whose each claim is by what stands now; undefined: the run is as it was. */
function outcomesOf(claims: readonly Claim[], now: Fakeg): Map<string, ClaimOutcome | undefined> {
  return new Map(claims.map((claim) => [claim.id, outcomeOf(claim, now.get(claim.id))]));
}

function outcomeOf(
  claim: Claim,
  found: { readonly version: number; readonly state: State } | undefined,
): ClaimOutcome | undefined {
  if (found === undefined) return "taken";
  const wanted = claimRecordOf(claim.state);
  if (wanted !== undefined && claimRecordOf(found.state)?.id === wanted.id) return "claimed";
  return found.version === claim.version ? undefined : "taken";
}

function idsOf(claims: readonly Claim[]): string[] {
  return claims.map(({ id }) => id);
}
