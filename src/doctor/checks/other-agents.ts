// Other agents: those that are gone and have left flow runs here, one with the name and labels of this one elsewhere, and
// Prefect's own beside this one.

import { attempt } from "../../base/attempt.ts";
import type { InventoryRun } from "../../inventory/inventory.ts";
import { goneAgents } from "../../inventory/agent-polls.ts";
import { agentText, isGone, pollText } from "../../inventory/run-owner.ts";
import { isOriginals, ownerOf } from "../../job/owner.ts";
import { agentKey, type AgentIdentity } from "../../orchestrator/agent-identity.ts";
import type { ClaimRecord } from "../../orchestrator/flow-run.ts";
import { comparePlaces, type Place } from "../../orchestrator/place.ts";
import type { InstalledAgent } from "../../prefect1/installed-agent.ts";
import { checkOf, counted, firstOf, type Finding } from "../finding.ts";

const { check, ok, warning } = checkOf({ section: "flow runs", check: "other agents" });

export const otherAgents = check(async ({ kubernetes, prefect1, inventory, signal }) => {
  const [{ agents, place }, found, claims] = await Promise.all([
    kubernetes.cluster(),
    attempt(inventory),
    attempt(async () => (await prefect1.queries()).claims(signal)),
  ]);
  const seen = { agents, runs: found.value?.runs ?? [], claims: claims.value ?? [] };
  const findings = [...goneFindings(seen), ...placeFindings(seen, place), ...originalFindings(seen)];
  if (findings.length > 0 || !claims.ok) return findings;
  return [ok("none is in the way, and none that is gone has left flow runs here")];
});

/** What is in the namespace, and what agents have claimed anywhere. */
export interface Seen {
  readonly agents: readonly InstalledAgent[];
  readonly runs: readonly InventoryRun[];
  readonly claims: readonly Pick<ClaimRecord, "agent" | "place">[];
}

export function goneFindings({ runs }: Pick<Seen, "runs">): readonly Finding[] {
  return goneAgents(runs).map(([owner, left]) => {
    const message = `${agentText(owner)} ${pollText(owner)}, and has left ${counted(left.length, "flow run")} here`;
    const hint =
      "start it again; an agent with its name, or with all labels of a flow run, adopts what it has left";
    const details = [firstOf(left.map(({ name, flowRunId }) => name ?? flowRunId))];
    return warning(message, { details, hint });
  });
}

/** Prefect has one row for all agents with the same name and labels, wherever they are. */
export function placeFindings({ agents, runs, claims }: Seen, here: Place): readonly Finding[] {
  const isHere = ({ place }: Pick<ClaimRecord, "place">): boolean => comparePlaces(place, here) === "same";
  const claimants = claims.filter(isHere).map(({ agent }) => agent);
  const local = keysOf([...installed(agents), ...runs.flatMap(ownersIn), ...claimants]);
  const twice = claims.filter(
    ({ agent, place }) => local.has(agentKey(agent)) && comparePlaces(place, here) === "other",
  );
  const byAgent = [...Map.groupBy(twice, ({ agent }) => agentKey(agent)).values()];
  const oneEach = byAgent.flatMap((ofAgent) => ofAgent.slice(0, 1));
  return oneEach.map(({ agent, place }) => {
    const where = place.namespace === here.namespace ? "of another cluster" : "as well";
    const message = `${agentText(agent)} works in namespace "${place.namespace}" ${where}: Prefect takes both for one agent`;
    const hint = "give each a name of its own: as it is, nobody notices when one of them is gone";
    return warning(message, { hint });
  });
}

/** Prefect's own agent, by its pod, or by its Jobs and its polls, if one of ours works here. */
export function originalFindings({ agents, runs }: Pick<Seen, "agents" | "runs">): readonly Finding[] {
  const ours = keysOf([...installed(agents.filter((each) => !each.isOriginal)), ...runs.flatMap(ownersIn)]);
  const theirs = runs.filter(({ observed }) => observed.jobs.some(({ job }) => isOriginals(job.metadata)));
  const polling = theirs.flatMap(({ owner }) => (owner === undefined || isGone(owner) ? [] : [owner]));
  const originals = [...installed(agents.filter((each) => each.isOriginal)), ...polling];
  const other = originals.find((agent) => !ours.has(agentKey(agent)));
  if (ours.size === 0 || other === undefined) return [];
  const message = `Prefect's own agent "${other.name}" works here as well: it deletes the finished Jobs of every agent, and fails a run at its first failed pod`;
  const hint =
    "install this one in its place, with the same name and labels, or move one of them to another namespace";
  return [warning(message, { hint })];
}

function ownersIn({ observed }: InventoryRun): readonly AgentIdentity[] {
  return observed.jobs.flatMap(({ job }) => ownerOf(job.metadata) ?? []);
}

function installed(agents: readonly InstalledAgent[]): readonly AgentIdentity[] {
  return agents.flatMap(({ name, labels }) => (labels === undefined ? [] : [{ name, labels }]));
}

function keysOf(agents: readonly AgentIdentity[]): ReadonlySet<string> {
  return new Set(agents.map(agentKey));
}
