// Inventory: the status of a run, its problems, and what an agent would do next. Pure.

import { timeBetween } from "../base/duration.ts";
import { jobsOfPrefect } from "../job/observe/observed.ts";
import { jobPhase } from "../job/observe/phase.ts";
import { oneLine } from "../job/observe/problem.ts";
import { postMortem } from "../job/observe/post-mortem.ts";
import { DELETED_RUN, isFailed, isFinished, type RunState } from "../orchestrator/flow-run.ts";
import { agentActions } from "./agent-actions.ts";
import { hintFor } from "./hint.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import type { InventoryRun } from "./inventory.ts";
import { decideRun } from "./run-decision.ts";

/** One word, and what explains it. */
export interface RunSummary {
  readonly status: string;
  readonly reason: string;
}

/** For people, in whole lines. */
export interface Diagnosis extends RunSummary {
  readonly hint?: string | undefined;
  /** One for each Job that has a problem. */
  readonly postMortems: readonly string[];
  /** What an agent of Prefect 1 would do next; at least one line. */
  readonly agent: readonly string[];
}

/** What cleanup would do with an object of the run. */
export interface PlannedAction {
  readonly action: "delete" | "leave";
  /** The name for kubectl: `job.batch/prefect-job-1a2b`. */
  readonly object: string;
  readonly namespace: string;
  readonly reason: string;
}

/** What Prefect says of a run without Jobs. */
export interface PrefectFindings {
  /** Why nobody takes the run, or who has taken it. */
  readonly taken?: string | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The run in whose process this one runs. */
  readonly host?: KnownRun | undefined;
  /** The names of its Jobs here. */
  readonly hostJobs?: readonly string[] | undefined;
  /** The last errors in its log. */
  readonly errors?: readonly string[];
}

export function diagnose(run: InventoryRun, now: Date, findings: PrefectFindings = {}): Diagnosis {
  const decision = decideRun(run, now);
  const { taken, hint: advice } = findings;
  const ofJobs = { ...decision, reason: [decision.reason, taken ?? []].flat().join("; "), hint: advice };
  const { status, reason, hint } = run.observed.jobs.length > 0 ? ofJobs : withoutJobs(run, now, findings);
  const jobs = run.podsForbidden === true ? [] : jobsOfPrefect(run.observed.jobs);
  const postMortems = jobs.flatMap((job) => {
    const phase = jobPhase(job);
    if (!("problem" in phase)) return [];
    const { problem } = phase;
    return [postMortem(job, { ...problem, hint: hintFor(run.prefectVersion, problem.hint) })];
  });
  return {
    status,
    reason,
    hint,
    postMortems: [...postMortems, ...(findings.errors ?? [])],
    agent: agentActions(run, decision),
  };
}

/** The status of a run without Jobs: its state in Prefect. */
export function withoutJobs(
  { flowRunId, status: run, prefectVersion }: Pick<InventoryRun, "flowRunId" | "status" | "prefectVersion">,
  now: Date,
  { taken, hint, host, hostJobs = [] }: PrefectFindings = {},
): RunSummary & Pick<Diagnosis, "hint"> {
  if (run.kind === "missing") return { status: "orphaned", reason: DELETED_RUN };
  if (run.kind === "unknown")
    return { status: "finished", reason: "it has no Job here, and its state in Prefect is unknown" };
  const { type, name, dueAt } = run.state;
  if (isFinished(type)) {
    const status = isFailed(type) ? "failed" : type === "cancelled" ? "cancelled" : "finished";
    return { status, reason: finishedReason(run.state, now) };
  }
  if (host !== undefined)
    return { status: "active", ...inProcessOf(host, { flowRunId, name, jobs: hostJobs }) };
  const nobody = `no ${prefectVersion === 1 ? "agent" : "worker"} has taken it yet`;
  if (type === "scheduled") return { status: "pending", reason: dueText(dueAt, now, taken ?? nobody), hint };
  const reason = [
    `its flow run is ${name}, but it has no Job here`,
    ...(taken === undefined ? [] : [taken]),
  ].join(": ");
  return { status: type === "running" || type === "cancelling" ? "active" : "pending", reason, hint };
}

/** Where the process of an unfinished subflow is. */
function inProcessOf(
  { id, name = id, state }: KnownRun,
  subflow: { readonly flowRunId: string; readonly name: string; readonly jobs: readonly string[] },
): Pick<Diagnosis, "reason" | "hint"> {
  const { flowRunId, jobs } = subflow;
  const its = `its flow run is ${subflow.name}`;
  if (isFinished(state.type))
    return {
      reason: `${its}, but the parent in whose process it ran, flow run "${name}", is ${state.name}`,
      hint: `cancel it with: kubectl prefect cancel ${flowRunId}`,
    };
  const where = jobs.length === 0 ? "" : `, in Job ${jobs.join(", ")}`;
  return {
    reason: `${its} in the process of its parent, flow run "${name}"${where}`,
    hint: `see that one with: kubectl prefect inspect ${id}`,
  };
}

function dueText(dueAt: Date | undefined, now: Date, waits: string): string {
  if (dueAt === undefined) return `due: ${waits}`;
  return dueAt > now ? `due in ${timeBetween(now, dueAt)}` : `due ${timeBetween(dueAt, now)} ago: ${waits}`;
}

/** `Failed 3m ago: it broke (it has no Job here)`. */
function finishedReason({ name, since, message = "" }: RunState, now: Date): string {
  const ago = since === undefined ? "" : ` ${timeBetween(since, now)} ago`;
  return `${name}${ago}${message === "" ? "" : `: ${oneLine(message)}`} (it has no Job here)`;
}
