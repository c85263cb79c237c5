// Flow runs whose time has come: which of them no agent takes, by labels, and which an agent should have taken by now.

import type { DueRun, RegisteredAgent } from "../../prefect1/doctor-queries.ts";
import { isPolling, since } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";
import { labelWords, missingLabels, startCommand, takes } from "./labels.ts";

const SECTION = "flow runs";
/** So many are asked for. */
export const DUE_AT_MOST = 500;
/** An idle agent polls every ten seconds at the least. */
const LATE_AFTER_MS = 60_000;
/** So many due runs Prefect's queue looks at before it gives up (prefect-1 protocol 2.2). */
const QUEUE_READS = 75;
const GROUPS = 8;

/** The agents as far as they are known, the moment by the API's clock, and the labels of the agent that somebody means to run, if given. */
export interface DueContext {
  readonly agents: readonly RegisteredAgent[] | undefined;
  readonly now: Date;
  readonly labels: readonly string[] | undefined;
}

/** One finding for each set of labels that nobody takes, and one for what is late for other reasons. */
export function dueFindings(runs: Answer<readonly DueRun[]>, context: DueContext): readonly Finding[] {
  const about = { section: SECTION, check: "due flow runs" } as const;
  if (!runs.ok) return [unanswered(about, runs.error)];
  if (context.agents === undefined) {
    const message = `${counted(runs.value.length, "flow run")} due; who takes them is not known without the agents`;
    return [{ ...about, status: "skipped", message }];
  }
  const polling = context.agents.filter((agent) => isPolling(agent, context.now));
  const isTaken = (run: DueRun): boolean => polling.some(({ labels }) => takes(labels, run.labels));
  const resolveExisting = runs.value.filter((run) => !isTaken(run));
  const late = runs.value.filter((run) => isTaken(run) && msLate(run, context.now) > LATE_AFTER_MS);
  const groups = [...Map.groupBy(resolveExisting, ({ labels }) => labels.toSorted().join("\n")).values()];
  const findings = [
    ...groups.slice(0, GROUPS).map((group) => strandedFinding(group, polling, context)),
    ...moreGroups(groups),
    ...lateFinding(late, context.now),
    ...queueFinding(resolveExisting.length),
  ];
  if (findings.length > 0) return findings;
  const waiting = runs.value.length;
  const message = waiting === 0 ? "none is late" : `${counted(waiting, "flow run")} due, none late`;
  return [{ ...about, status: "ok", message }];
}

function strandedFinding(
  group: readonly DueRun[],
  polling: readonly RegisteredAgent[],
  context: DueContext,
): Finding {
  const [oldest] = group;
  const labels = oldest?.labels ?? [];
  const waited =
    oldest === undefined
      ? ""
      : `${group.length > 1 ? ", the oldest" : ""} for ${since(oldest.dueAt, context.now)}`;
  const wait = group.length === 1 ? "waits" : "wait";
  const message = `${counted(group.length, "flow run")} with ${labelWords(labels)} ${wait} in vain${waited}: ${whyNot(labels, polling, context)}`;
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

function whyNot(
  labels: readonly string[],
  polling: readonly RegisteredAgent[],
  { agents, now }: DueContext,
): string {
  const asleep = agents?.find((agent) => !isPolling(agent, now) && takes(agent.labels, labels));
  if (asleep !== undefined) {
    const when =
      asleep.lastPolledAt === undefined
        ? "never polled"
        : `last polled ${since(asleep.lastPolledAt, now)} ago`;
    return `agent "${asleep.name}" would take them, but it ${when}`;
  }
  if (polling.length === 0) return "no agent polls";
  if (labels.length === 0) return "every agent has labels, and takes none without";
  const [nearest] = polling
    .map((agent) => ({ agent, missing: missingLabels(agent.labels, labels) }))
    .sort((left, right) => left.missing.length - right.missing.length);
  const lacks =
    nearest === undefined ? "" : `; agent "${nearest.agent.name}" lacks ${nearest.missing.join(", ")}`;
  return `no agent has all of these labels${lacks}`;
}

function hintFor(labels: readonly string[], context: DueContext): string {
  const isMeant = context.labels !== undefined && takes(context.labels, labels);
  const meant = isMeant ? (context.labels ?? labels) : labels;
  const start = `start an agent for them: ${startCommand(meant)}`;
  return labels.length === 0 ? `${start}; or give the flow a label that an agent has` : start;
}

function moreGroups(groups: readonly (readonly DueRun[])[]): readonly Finding[] {
  const rest = groups.slice(GROUPS).flat();
  if (rest.length === 0) return [];
  const message = `${counted(rest.length, "flow run")} with other labels wait in vain, too`;
  return [
    {
      section: SECTION,
      check: "due flow runs",
      status: "broken",
      message,
      hint: "see them with -o json",
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
      message: `${counted(late.length, "flow run")} late by ${late.length > 1 ? "up to " : ""}${since(oldest.dueAt, now)}, though an agent that polls takes ${late.length === 1 ? "its" : "their"} labels`,
      hint: "look at the agent's log: it may be at its --limit, or not be allowed to create Jobs",
      details: [firstOf(late.map(({ name }) => name))],
      data: { flowRuns: late.map(({ id, name, dueAt }) => ({ id, name, due: dueAt.toISOString() })) },
    },
  ];
}

/** Prefect's own queue reads the oldest due runs, whoever's they are: enough of them hide all others from its agents. */
function queueFinding(resolveExisting: number): readonly Finding[] {
  if (resolveExisting < QUEUE_READS) return [];
  return [
    {
      section: SECTION,
      check: "queue",
      status: "warning",
      message: `${resolveExisting >= DUE_AT_MOST ? `at least ${resolveExisting}` : resolveExisting} due flow runs that nobody takes fill Prefect's queue: its own agents see none behind them`,
      hint: "cancel them in Prefect, or start agents for their labels; kubectl prefect agent start looks past them",
    },
  ];
}

function msLate({ dueAt }: DueRun, now: Date): number {
  return now.getTime() - dueAt.getTime();
}
