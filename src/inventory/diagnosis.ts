// Inventory: what is the matter with a run, and what an agent would do with it and why. Pure.

import { outlookOf } from "../job/observe/phase.ts";
import { postMortem } from "../job/observe/post-mortem.ts";
import { stateWord } from "../prefect3/states.ts";
import { isFinished } from "../prefect1/states.ts";
import { agentDeeds } from "./agent-actions.ts";
import type { RunPrint } from "./inventory.ts";
import { opinionOnRun } from "./run-decision.ts";

/** States of runs that should have a pod somewhere. */
const AT_WORK = new Set(["Running", "Retrying", "Cancelling"]);

/** For people, in whole lines. */
export interface Diagnosis {
  /** The verdict's one word and its reason. */
  readonly word: string;
  readonly why: string;
  /** The whole story of each Job that is in trouble. */
  readonly stories: readonly string[];
  /** What an agent of Prefect 1 would do next; at least one line. */
  readonly agent: readonly string[];
}

/** What would become of an object of the run. */
export interface Prospect {
  readonly deed: "delete" | "leave";
  /** As kubectl names it: `job.batch/prefect-job-1a2b`. */
  readonly object: string;
  readonly namespace: string;
  readonly why: string;
}

/** The diagnosis of a run at a moment. */
export function diagnose(run: RunPrint, now: Date): Diagnosis {
  const verdict = opinionOnRun(run, now);
  const { word, why } = run.footprint.jobs.length === 0 ? withoutJobs(run) : verdict;
  return { word, why, stories: storiesOf(run), agent: agentDeeds(run, verdict) };
}

function storiesOf({ footprint, podsUnseen }: RunPrint): readonly string[] {
  if (podsUnseen === true) return [];
  return footprint.jobs.flatMap((print) => {
    const outlook = outlookOf(print);
    return "trouble" in outlook ? [postMortem(print, outlook.trouble)] : [];
  });
}

/** Of a run that has no Job only Prefect can tell anything. */
function withoutJobs({ run }: RunPrint): Pick<Diagnosis, "word" | "why"> {
  if (run.kind === "missing") return { word: "orphaned", why: "its flow run no longer exists in Prefect" };
  if (run.kind === "unknown" || isFinished(run.state.type))
    return { word: "finished", why: "no Job of it is here" };
  const why = `its flow run is ${stateWord(run.state)}, and no Job of it is here`;
  return { word: AT_WORK.has(run.state.type) ? "active" : "pending", why };
}
