// Claims: many states in one mutation, and the truth about each when the answer is an error or gets lost.
// The server may have applied some of a refused batch (prefect-1 protocol: set_flow_run_states), so the runs are looked up.

import { ExpectedError } from "../base/errors.ts";
import { objectIn, textIn } from "../base/json.ts";
import type { Claim, ClaimOutcome } from "./api.ts";
import { PrefectError } from "./errors.ts";
import type { State } from "./state.ts";

/** The key in a state's context under which a claim says whose it is. */
export const CLAIM_KEY = "kubectl_prefect";

/** What a claim leaves in Prefect, so that whoever finds the run later can finish the submission. */
export interface ClaimMark {
  /** This claim and no other. */
  readonly id: string;
  /** Cluster and namespace in which the Job is due. */
  readonly place: string;
  /** Identifier of the Job that is due. */
  readonly identifier: string;
}

/** The mark in a state, if it is one of our claims. */
export function claimMarkOf(state: State): ClaimMark | undefined {
  const mark = objectIn(objectIn(state.context)[CLAIM_KEY]);
  const [id, place, identifier] = [mark["id"], mark["place"], mark["identifier"]].map(textIn);
  if (id === undefined || place === undefined || identifier === undefined) return undefined;
  return { id, place, identifier };
}

export interface ClaimingDeps {
  /** Sets all states in one mutation; throws when any was refused. */
  readonly set: (claims: readonly Claim[]) => Promise<void>;
  /** The state and version of each as they stand now. */
  readonly look: (ids: readonly string[]) => Promise<ReadonlyMap<string, { version: number; state: State }>>;
}

/** Claims each; the answers stand in the order of the claims. Throws what leaves a claim unknown or unmade. */
export async function claimAll(claims: readonly Claim[], deps: ClaimingDeps): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  try {
    await deps.set(claims);
    return claims.map(() => "claimed");
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "unauthorized") throw error;
    const now = await deps.look(claims.map((claim) => claim.id));
    return Promise.all(
      claims.map((claim) => settle(claim, { now, error, alone: claims.length === 1 }, deps)),
    );
  }
}

interface Aftermath {
  readonly now: ReadonlyMap<string, { version: number; state: State }>;
  readonly error: unknown;
  readonly alone: boolean;
}

async function settle(claim: Claim, after: Aftermath, deps: ClaimingDeps): Promise<ClaimOutcome> {
  const found = after.now.get(claim.id);
  if (found === undefined) return "taken";
  const wanted = claimMarkOf(claim.state);
  if (wanted !== undefined && claimMarkOf(found.state)?.id === wanted.id) return "claimed";
  if (found.version !== claim.version) return "taken";
  if (!after.alone) return (await claimAll([claim], deps))[0] ?? "taken";
  // Untouched, and asked for alone: the Submitted lock of 30 s refused it, or the request never arrived.
  if (after.error instanceof PrefectError && after.error.failure === "locked") return "taken";
  throw after.error instanceof ExpectedError
    ? after.error
    : new Error("claim failed", { cause: after.error });
}
