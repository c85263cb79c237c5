// Claims: sets many states in one mutation. Prefect Server may apply part of a batch that it refuses, so after an error or a
// lost response the current states are read to find out which claims succeeded.

import { isRetryable } from "../base/errors.ts";
import { arrayIn, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { ClaimRecord, RunState } from "../orchestrator/flow-run.ts";
import type { Place } from "../orchestrator/place.ts";
import { isScheduled, submitted, type State } from "./states.ts";
import { jobIdentifier } from "./build/identifier.ts";
import type { FlowRun } from "./flow-run.ts";

/** The key in a state's context that holds the claim. */
export const CLAIM_KEY = "kubectl_prefect";

/** Sets this state of a flow run or task run if its version is unchanged. */
export interface StateClaim {
  readonly id: string;
  readonly version: number;
  readonly state: State;
  /** Read the current state first: the response to an earlier attempt was lost, or the version was read long ago. */
  readonly mustRead?: () => boolean;
}

/** An error: Prefect refuses this claim, or did not answer. */
export type ClaimOutcome = "claimed" | "taken" | { readonly error: unknown };
type Outcomes = ReadonlyMap<string, ClaimOutcome>;

/** The claim in the context of a Submitted state, with the identifier of the Job that is to be created. */
export type ClaimContext = Omit<ClaimRecord, "identifiers"> & { readonly identifier: string };

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

/** Filters of states, of which each claim for this place passes one. */
export function claimFilters({ namespace, ...identities }: Place): readonly JsonObject[] {
  const keys = PLACE_KEYS.filter((key) => identities[key] !== undefined);
  const contexts = keys.map((key) => ({ [CLAIM_KEY]: { place: { namespace, [key]: identities[key] } } }));
  return contexts.map((context) => ({ serialized_state: { _contains: { context } } }));
}

export interface ClaimApi {
  /** Sets all states in one mutation; throws when any is refused. */
  readonly setStates: (claims: readonly StateClaim[]) => Promise<void>;
  readonly readStates: (ids: readonly string[]) => Promise<ReadonlyMap<string, CurrentState>>;
}

type CurrentState = Pick<RunState, "version"> & { readonly claim?: Pick<ClaimRecord, "id"> | undefined };

/**
 * Returns one outcome per claim, in the same order. After an error that is thrown some claims may have succeeded: the caller
 * repeats them with `mustRead`.
 */
export async function claimAll(claims: readonly StateClaim[], api: ClaimApi): Promise<ClaimOutcome[]> {
  // Prefect Server ignores versions: a late retry would overwrite newer states.
  const known = await readOutcomes(
    claims.filter(({ mustRead }) => mustRead?.() === true),
    api,
  );
  const sent = await sendClaims(
    claims.filter(({ id }) => !known.has(id)),
    api,
  );
  return claims.map(({ id }) => known.get(id) ?? sent.get(id) ?? "taken");
}

async function sendClaims(claims: readonly StateClaim[], api: ClaimApi): Promise<Outcomes> {
  if (claims.length === 0) return new Map();
  try {
    await api.setStates(claims);
    return new Map(claims.map(({ id }) => [id, "claimed"]));
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "unauthorized") throw error;
    const known = await readOutcomes(claims, api);
    const unchanged = claims.filter(({ id }) => !known.has(id));
    if (unchanged.length === 0) return known;
    if (isRetryable(error)) throw error;
    if (claims.length > 1) return new Map([...known, ...(await sendEach(unchanged, api))]);
    // Prefect locks a run for 30 s after it became Submitted.
    if (error instanceof PrefectError && error.failure === "locked") return known;
    throw error;
  }
}

/** A single claim may have caused the refusal of its batch. */
async function sendEach(claims: readonly StateClaim[], api: ClaimApi): Promise<Outcomes> {
  const outcomeOf = (claim: StateClaim): Promise<Outcomes> =>
    sendClaims([claim], api).catch((error: unknown) => new Map([[claim.id, { error }]]));
  const each = await Promise.all(claims.map(outcomeOf));
  return new Map(each.flatMap((outcomes) => [...outcomes]));
}

/** The outcomes by the current states; none for a run that is unchanged. */
async function readOutcomes(claims: readonly StateClaim[], api: ClaimApi): Promise<Outcomes> {
  if (claims.length === 0) return new Map();
  const now = await api.readStates(claims.map(({ id }) => id));
  const outcomes = new Map<string, ClaimOutcome>();
  for (const { id, version, state } of claims) {
    const found = now.get(id);
    const ownId = claimIn(state)?.id;
    if (ownId !== undefined && found?.claim?.id === ownId) outcomes.set(id, "claimed");
    else if (found?.version !== version) outcomes.set(id, "taken");
  }
  return outcomes;
}

/** A claim of a flow run; of a Running one, it is of its overdue task runs. */
export interface ClaimedWork {
  readonly flowRun: FlowRun;
  readonly claim: ClaimContext;
}

/** The work to claim for a run that can be launched. */
export function workOf(flowRun: FlowRun, claimer: Omit<ClaimContext, "identifier">): ClaimedWork {
  return { flowRun, claim: { ...claimer, identifier: jobIdentifier(flowRun) } };
}

/** Whether its task runs are claimed, not the run. */
export function isOfTasks({ flowRun }: ClaimedWork): boolean {
  return flowRun.state === "Running";
}

/** The states to set. The messages are the original agent's. */
export function claimsOf(work: ClaimedWork): StateClaim[] {
  const { id, version, serialized_state: previous, task_runs: tasks } = work.flowRun;
  const context = { [CLAIM_KEY]: work.claim };
  if (!isOfTasks(work))
    return [{ id, version, state: submitted(previous, "Submitted for execution", context) }];
  return (
    tasks
      // Submitted ones were claimed by an agent that is gone.
      .filter(({ serialized_state: { type } }) => isScheduled(type) || type === "Submitted")
      .map(({ serialized_state: state, ...task }) => ({
        ...task,
        state: submitted(state, "Submitted for execution.", context),
      }))
  );
}
