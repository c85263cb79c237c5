// Due flow runs: those whose labels no running agent has, and those that an agent should have started by now.

import type { DueRun, RegisteredAgent } from "../../prefect1/doctor-queries.ts";
import { isPolling, durationSince } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";
import { labelsText, missingLabels, startCommand, agentTakes } from "./labels.ts";

const SECTION = "flow runs";
/** At most this many are read. */
export const DUE_RUNS_LIMIT = 500;
/** An idle agent polls at least every ten seconds. */
const LATE_AFTER_MS = 60_000;
/** How many due runs Prefect's queue reads for an agent (prefect-1 protocol 2.2). */
const QUEUE_LIMIT = 75;
const MAX_GROUPS = 8;

/** `agents`: undefined if they could not be listed; `now`: by the API's clock; `labels`: of the agent to be started, if set. */
export interface DueContext {
  readonly agents: readonly RegisteredAgent[] | undefined;
  readonly now: Date;
  readonly labels: readonly string[] | undefined;
}

/** One finding for each set of labels that no running agent has, and one for runs that are late for other reasons. */
export function dueRunFindings(runs: Answer<readonly DueRun[]>, context: DueContext): readonly Finding[] {
  const about = { section: SECTION, check: "due flow runs" } as const;
  if (!runs.ok) return [failedRequestFinding(about, runs.error)];
  if (context.agents === undefined) {
    const message = `${counted(runs.value.length, "flow run")} due; agents cannot be listed, so it is unknown which of them are started`;
    return [{ ...about, status: "skipped", message }];
  }
  const polling = context.agents.filter((agent) => isPolling(agent, context.now));
  const isTaken = (run: DueRun): boolean => polling.some(({ labels }) => agentTakes(labels, run.labels));
  const unclaimed = runs.value.filter((run) => !isTaken(run));
  const late = runs.value.filter((run) => isTaken(run) && msLate(run, context.now) > LATE_AFTER_MS);
  const groups = [...Map.groupBy(unclaimed, ({ labels }) => labels.toSorted().join("\n")).values()];
  const findings = [
    ...groups.slice(0, MAX_GROUPS).map((group) => unclaimedFinding(group, polling, context)),
    ...moreGroups(groups),
    ...lateFinding(late, context.now),
    ...queueFinding(unclaimed.length),
  ];
  if (findings.length > 0) return findings;
  const waiting = runs.value.length;
  const message = waiting === 0 ? "none is late" : `${counted(waiting, "flow run")} due, none late`;
  return [{ ...about, status: "ok", message }];
}

function unclaimedFinding(
  group: readonly DueRun[],
  polling: readonly RegisteredAgent[],
  context: DueContext,
): Finding {
  const [oldest] = group;
  const labels = oldest?.labels ?? [];
  const duration = oldest === undefined ? "" : durationSince(oldest.dueAt, context.now);
  const waited = group.length === 1 ? `has waited ${duration}` : `have waited up to ${duration}`;
  const message = `${counted(group.length, "flow run")} with ${labelsText(labels)} ${waited}: ${unclaimedReason(labels, polling, context)}`;
  return {
    section: SECTION,
    check: "due flow runs",
    status: "broken",
    message,
    hint: hintFor(labels, context),
    details: [firstOf(group.map(({ name }) => name))],
    data: { labels, flowRuns: group.map(({ id, name, dueAt }) => ({ id, name, due: dueAt.toISOString() })) },
  };
}

function unclaimedReason(
  labels: readonly string[],
  polling: readonly RegisteredAgent[],
  { agents, now }: DueContext,
): string {
  const stopped = agents?.find((agent) => !isPolling(agent, now) && agentTakes(agent.labels, labels));
  if (stopped !== undefined) {
    const when =
      stopped.lastPolledAt === undefined
        ? "never polled"
        : `last polled ${durationSince(stopped.lastPolledAt, now)} ago`;
    return `agent "${stopped.name}" has the right labels, but is not running (${when})`;
  }
  if (polling.length === 0) return "no agent is running";
  if (labels.length === 0) return "every running agent has labels, so none takes flow runs without labels";
  if (labels.length === 1) return `no running agent has ${labelsText(labels)}`;
  const [closest] = polling
    .map((agent) => ({ agent, missing: missingLabels(agent.labels, labels) }))
    .sort((left, right) => left.missing.length - right.missing.length);
  const lacks =
    closest === undefined ? "" : `; agent "${closest.agent.name}" lacks ${closest.missing.join(", ")}`;
  return `no running agent has all of these labels${lacks}`;
}

function hintFor(labels: readonly string[], context: DueContext): string {
  const isConfigured = context.labels !== undefined && agentTakes(context.labels, labels);
  const agentLabels = isConfigured ? (context.labels ?? labels) : labels;
  const start = `start an agent for them: ${startCommand(agentLabels)}`;
  return labels.length === 0 ? `${start}; or add a label of a running agent to the flow` : start;
}

function moreGroups(groups: readonly (readonly DueRun[])[]): readonly Finding[] {
  const rest = groups.slice(MAX_GROUPS).flat();
  if (rest.length === 0) return [];
  const message = `${counted(rest.length, "flow run")} with other labels also wait for an agent`;
  return [
    {
      section: SECTION,
      check: "due flow runs",
      status: "broken",
      message,
      hint: "find them among the late runs in Prefect's UI",
    },
  ];
}

function lateFinding(late: readonly DueRun[], now: Date): readonly Finding[] {
  const [oldest] = late;
  if (oldest === undefined) return [];
  return [
    {
      section: SECTION,
      check: "late flow runs",
      status: "warning",
      message: `${counted(late.length, "flow run")} ${late.length === 1 ? "is" : "are"} late by ${late.length > 1 ? "up to " : ""}${durationSince(oldest.dueAt, now)}, although a running agent has ${late.length === 1 ? "its" : "their"} labels`,
      hint: "see the agent's log: it may have reached its --limit, or have no permission to create Jobs",
      details: [firstOf(late.map(({ name }) => name))],
      data: { flowRuns: late.map(({ id, name, dueAt }) => ({ id, name, due: dueAt.toISOString() })) },
    },
  ];
}

/** Prefect's queue reads only the oldest due runs, whatever their labels: enough unclaimed ones hide all newer runs. */
function queueFinding(unclaimed: number): readonly Finding[] {
  if (unclaimed < QUEUE_LIMIT) return [];
  return [
    {
      section: SECTION,
      check: "queue",
      status: "warning",
      message: `${unclaimed >= DUE_RUNS_LIMIT ? `at least ${unclaimed}` : unclaimed} unclaimed flow runs fill the queue; Prefect's own agents cannot see newer ones`,
      hint: "cancel them in Prefect, or start agents for their labels; kubectl prefect agent start is not affected",
    },
  ];
}

function msLate({ dueAt }: DueRun, now: Date): number {
  return now.getTime() - dueAt.getTime();
}
