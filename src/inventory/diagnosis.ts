// Inventory: what is the matter with a run, and what an agent would do with it and why. Pure.

import { jobPhase } from "../job/observe/phase.ts";
import { postMortem } from "../job/observe/post-mortem.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { StateType } from "../orchestrator/flow-run.ts";
import { agentActions } from "./agent-actions.ts";
import type { InventoryRun } from "./inventory.ts";
import { decideRun } from "./run-decision.ts";

/** States of runs that should have a pod somewhere. */
const AT_WORK = new Set<StateType>(["running", "cancelling"]);

/** For people, in whole lines. */
export interface Diagnosis {
  /** The decision's one word and its reason. */
  readonly status: string;
  readonly reason: string;
  /** The whole story of each Job that is in problem. */
  readonly stories: readonly string[];
  /** What an agent of Prefect 1 would do next; at least one line. */
  readonly agent: readonly string[];
}

/** What would become of an object of the run. */
export interface Prospect {
  readonly action: "delete" | "leave";
  /** As kubectl names it: `job.batch/prefect-job-1a2b`. */
  readonly object: string;
  readonly namespace: string;
  readonly reason: string;
}

/** The diagnosis of a run at a moment. */
export function diagnose(run: InventoryRun, now: Date): Diagnosis {
  const decision = decideRun(run, now);
  const { status, reason } = run.observed.jobs.length === 0 ? withoutJobs(run) : decision;
  return { status, reason, stories: storiesOf(run), agent: agentActions(run, decision) };
}

function storiesOf({ observed, podsForbidden }: InventoryRun): readonly string[] {
  if (podsForbidden === true) return [];
  return observed.jobs.flatMap((print) => {
    const phase = jobPhase(print);
    return "problem" in phase ? [postMortem(print, phase.problem)] : [];
  });
}

/** Of a run that has no Job only Prefect can tell anything. */
function withoutJobs({ status: run }: InventoryRun): Pick<Diagnosis, "status" | "reason"> {
  if (run.kind === "missing")
    return { status: "orphaned", reason: "its flow run no longer exists in Prefect" };
  if (run.kind === "unknown" || isFinished(run.state.type))
    return { status: "finished", reason: "no Job of it is here" };
  const reason = `its flow run is ${run.state.name}, and no Job of it is here`;
  return { status: AT_WORK.has(run.state.type) ? "active" : "pending", reason };
}
