// Inventory: what is the matter with a run, and what an agent would do with it and why. Pure.

import { formatDuration } from "../base/duration.ts";
import { outlookOf } from "../job/outlook.ts";
import { postMortem } from "../job/post-mortem.ts";
import type { Settlement, Verdict } from "../job/verdict.ts";
import type { RunPrint } from "./inventory.ts";
import { opinionOnRun } from "./opinion.ts";

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

/** The diagnosis of a run at a moment. */
export function diagnose(run: RunPrint, now: Date): Diagnosis {
  const verdict = opinionOnRun(run, now);
  const stories = run.footprint.jobs.flatMap((print) => {
    const outlook = outlookOf(print);
    return "trouble" in outlook ? [postMortem(print, outlook.trouble)] : [];
  });
  return { word: verdict.word, why: verdict.why, stories, agent: deeds(run, verdict) };
}

function deeds(run: RunPrint, verdict: Verdict): readonly string[] {
  if (run.generation === 2) return ["leave it alone: it is the worker's of Prefect 2 or 3"];
  if (run.footprint.jobs.length === 0) return ["nothing: no Job of the run is in the cluster"];
  const doing = [
    ...(verdict.settle === undefined ? [] : [settling(verdict.settle)]),
    ...verdict.remove.map(({ job, why }) => `delete Job ${job.metadata.name}: ${why}`),
    ...(verdict.heartbeat && run.run.kind === "known"
      ? ["keep the run's heartbeat up, so that Prefect does not start it a second time"]
      : []),
    ...(verdict.lookAgainInMs === undefined
      ? []
      : [`look again in ${formatDuration(verdict.lookAgainInMs)}`]),
  ];
  const unsure =
    run.run.kind === "unknown" && doing.length > 0 ? ["ask Prefect for the run's state first"] : [];
  return doing.length === 0 ? ["nothing: all is in order"] : [...unsure, ...doing];
}

function settling(settle: Settlement): string {
  switch (settle.kind) {
    case "fail":
      return `set the run Failed: ${settle.message}`;
    case "reschedule":
      return `schedule the run anew: ${settle.message}`;
    case "cancelled":
      return `set the run Cancelled: ${settle.message}`;
  }
}
