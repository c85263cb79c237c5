// Claims: sets many states in one mutation. Prefect Server may apply part of a batch that it refuses, so after an error or a
// lost response the current states are read to find out which claims succeeded.

import { isRetryable } from "../base/errors.ts";
import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type { AgentIdentity } from "../orchestrator/agent-identity.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Place } from "../orchestrator/place.ts";
import type { State } from "./states.ts";

/** The key in a state's context that holds the claim. */
export const CLAIM_KEY = "kubectl_prefect";

/** Sets this state of a flow run or task run if its version is unchanged. */
export interface StateClaim {
  readonly id: string;
  readonly version: number;
  readonly state: State;
  /** The response to an earlier attempt was lost: read the current state first. */
  readonly isRetry?: boolean | undefined;
}

export type ClaimOutcome = "claimed" | "taken";

/** The claim in the context of a Submitted state. */
export interface ClaimContext {
  readonly id: string;
  /** Where the Job is to be created. */
  readonly place: Place;
  /** The identifier of that Job. */
  readonly identifier: string;
  readonly agent: AgentIdentity;
  /** The agent's process, a UUID. */
  readonly process: string;
}

/** The claim in a state, if it was written by this program. */
export function claimIn(state: State): ClaimContext | undefined {
  const context = objectIn(objectIn(state.context)[CLAIM_KEY]);
  const [id, identifier, process] = [context["id"], context["identifier"], context["process"]].map(textIn);
  const place = placeIn(objectIn(context["place"]));
  if (id === undefined || identifier === undefined || place === undefined) return undefined;
  const { name, labels } = objectIn(context["agent"]);
  const agent = { name: textIn(name) ?? "", labels: arrayIn(labels).map(String) };
  return { id, place, identifier, agent, process: process ?? "" };
}

function placeIn(json: JsonObject): Place | undefined {
  const namespace = textIn(json["namespace"]);
  if (namespace === undefined) return undefined;
  const [namespaceUid, clusterUid, accountUid, ca] = PLACE_KEYS.map((key) => textIn(json[key]));
  return { namespace, namespaceUid, clusterUid, accountUid, ca };
}

const PLACE_KEYS = ["namespaceUid", "clusterUid", "accountUid", "ca"] as const;

/** What the contexts of all claims for this place contain: each has one of these parts. */
export function placeContexts(place: Place): readonly JsonObject[] {
  const { namespace, ...identities } = place;
  return PLACE_KEYS.flatMap((key) => {
    const value = identities[key];
    return value === undefined ? [] : [{ [CLAIM_KEY]: { place: { namespace, [key]: value } } }];
  });
}

export interface ClaimApi {
  /** Sets all states in one mutation; throws when any is refused. */
  readonly setStates: (claims: readonly StateClaim[]) => Promise<void>;
  /** The current states and versions. */
  readonly readStates: (ids: readonly string[]) => Promise<CurrentStates>;
}

export type CurrentStates = ReadonlyMap<string, { readonly version: number; readonly state: State }>;

/**
 * Returns one outcome per claim, in the same order. After an error some claims may have succeeded: the caller repeats them
 * with `isRetry`.
 */
export async function claimAll(claims: readonly StateClaim[], api: ClaimApi): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  const retried = claims.filter(({ isRetry }) => isRetry === true);
  // Prefect Server ignores versions: a late retry would overwrite newer states.
  const known = retried.length === 0 ? undefined : outcomesOf(retried, await api.readStates(idsOf(retried)));
  const toSend = claims.filter(({ id }) => known?.get(id) === undefined);
  const answers = await sendClaims(toSend, api);
  const sent = new Map(toSend.map(({ id }, at) => [id, answers[at]]));
  return claims.map(({ id }) => known?.get(id) ?? sent.get(id) ?? "taken");
}

async function sendClaims(claims: readonly StateClaim[], api: ClaimApi): Promise<ClaimOutcome[]> {
  if (claims.length === 0) return [];
  try {
    await api.setStates(claims);
    return claims.map(() => "claimed");
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "unauthorized") throw error;
    const known = outcomesOf(claims, await api.readStates(idsOf(claims)));
    const unchanged = claims.filter(({ id }) => known.get(id) === undefined);
    const rest = await retryUnchanged(unchanged, { error, alone: claims.length === 1 }, api);
    return claims.map(({ id }) => known.get(id) ?? rest.get(id) ?? "taken");
  }
}

/** Claims without effect. A refused batch is repeated one by one, since a single claim may have caused the refusal. */
async function retryUnchanged(
  claims: readonly StateClaim[],
  after: { readonly error: unknown; readonly alone: boolean },
  api: ClaimApi,
): Promise<ReadonlyMap<string, ClaimOutcome>> {
  if (claims.length === 0) return new Map();
  const { error, alone } = after;
  if (isRetryable(error)) throw error;
  if (!alone) {
    const each = claims.map(
      async (claim) => [claim.id, (await sendClaims([claim], api))[0] ?? "taken"] as const,
    );
    return new Map(await Promise.all(each));
  }
  // Prefect locks a run for 30 s after it became Submitted.
  if (error instanceof PrefectError && error.failure === "locked") return new Map();
  throw error;
}

/** The outcomes by the current states; undefined: the run is unchanged. */
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
  const ownId = claimIn(claim.state)?.id;
  if (ownId !== undefined && claimIn(found.state)?.id === ownId) return "claimed";
  return found.version === claim.version ? undefined : "taken";
}

function idsOf(claims: readonly StateClaim[]): string[] {
  return claims.map(({ id }) => id);
}
