// Claims: many states in one mutation, and the truth about each when the answer is an error or gets lost.
// The server may have applied some of a refused batch (prefect-1 protocol: set_flow_run_states), so the runs are looked up.

import { isRetryable } from "../base/errors.ts";
import { objectIn, textIn } from "../base/json.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { State } from "./states.ts";

/** The key in a state's context under which a claim says whose it is. */
export const CLAIM_KEY = "kubectl_prefect";

/** What is asked for: this state for this flow run or task run, if its version is still the one that was read. */
export interface StateClaim {
  readonly id: string;
  readonly version: number;
  readonly state: State;
  /** Asked for before, and the answer was lost: the state is looked up first. */
  readonly again?: boolean | undefined;
}

export type ClaimOutcome = "claimed" | "taken";

/** What a claim writes into the context of the Submitted state. */
export interface ClaimContext {
  /** This claim and no other. */
  readonly id: string;
  /** The cluster and namespace in which the Job is to be made. */
  readonly scope: string;
  /** The identifier of that Job. */
  readonly identifier: string;
  /** The process that made the claim, as Jobs name their owner. */
  readonly by?: string | undefined;
}

/** The claim in a state, if it is one of ours. */
export function claimIn(state: State): ClaimContext | undefined {
  const context = objectIn(objectIn(state.context)[CLAIM_KEY]);
  const [id, scope, identifier] = [context["id"], context["scope"], context["identifier"]].map(textIn);
  if (id === undefined || scope === undefined || identifier === undefined) return undefined;
  return { id, scope, identifier, by: textIn(context["by"]) };
}

export interface ClaimingDeps {
  /** Sets all states in one mutation; throws when any was refused. */
  readonly set: (claims: readonly StateClaim[]) => Promise<void>;
  /** The state and version of each as they stand now. */
  readonly look: (ids: readonly string[]) => Promise<CurrentStates>;
}

type CurrentStates = ReadonlyMap<string, { readonly version: number; readonly state: State }>;

/**
 * Claims each; the answers stand in the order of the claims. Throws what leaves a claim unknown or unmade: those claims
 * are to be asked for `again`, since some of them may stand.
 */
export async function claimAll(claims: readonly StateClaim[], deps: ClaimingDeps): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  const repeated = claims.filter(({ again }) => again === true);
  // Prefect Server takes no account of versions: a repeat that came late would undo what happened meanwhile.
  const known = repeated.length === 0 ? undefined : outcomesOf(repeated, await deps.look(idsOf(repeated)));
  const open = claims.filter(({ id }) => known?.get(id) === undefined);
  const answers = await claimOpen(open, deps);
  const fresh = new Map(open.map(({ id }, at) => [id, answers[at]]));
  return claims.map(({ id }) => known?.get(id) ?? fresh.get(id) ?? "taken");
}

async function claimOpen(claims: readonly StateClaim[], deps: ClaimingDeps): Promise<ClaimOutcome[]> {
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
  claims: readonly StateClaim[],
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
function outcomesOf(
  claims: readonly StateClaim[],
  now: CurrentStates,
): Map<string, ClaimOutcome | undefined> {
  return new Map(claims.map((claim) => [claim.id, outcomeOf(claim, now.get(claim.id))]));
}

function outcomeOf(
  claim: StateClaim,
  found: { readonly version: number; readonly state: State } | undefined,
): ClaimOutcome | undefined {
  if (found === undefined) return "taken";
  const wanted = claimIn(claim.state);
  if (wanted !== undefined && claimIn(found.state)?.id === wanted.id) return "claimed";
  return found.version === claim.version ? undefined : "taken";
}

function idsOf(claims: readonly StateClaim[]): string[] {
  return claims.map(({ id }) => id);
}
