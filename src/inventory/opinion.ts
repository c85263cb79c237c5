// Inventory: the agent's own verdict on what was found in one look. Pure. A watcher knows since when it has seen a
// trouble; one look knows only since when the pod or Job is as it is, which is what counts here.

import type { Footprint, JobPrint } from "../job/footprint.ts";
import type { Outlook } from "../job/outlook.ts";
import { isLive, outlookOf } from "../job/outlook.ts";
import type { Verdict } from "../job/verdict.ts";
import { DEFAULT_POLICY, judge } from "../job/verdict.ts";
import type { RunPrint } from "./inventory.ts";

/** The verdict on all that the run has, as an agent with its default patience would come to. */
export function opinionOnRun({ footprint, run }: Pick<RunPrint, "footprint" | "run">, now: Date): Verdict {
  return judge({ footprint, run, policy: DEFAULT_POLICY, now, sightings: sightingsOf(footprint) });
}

/** The verdict on one Job of the run, in the light of the run's other living ones. */
export function opinionOnJob(run: RunPrint, print: JobPrint, now: Date): Verdict {
  const others = run.footprint.jobs.filter((other) => other !== print && isLive(outlookOf(other)));
  const footprint = { ...run.footprint, jobs: [print, ...others] };
  return opinionOnRun({ footprint, run: run.run }, now);
}

/** The keys of job/verdict.ts, each with the moment from which its grace counts. */
function sightingsOf(footprint: Footprint): ReadonlyMap<string, Date> {
  return new Map(
    footprint.jobs.flatMap((print) => {
      const outlook = outlookOf(print);
      const since = sinceOf(print, outlook);
      const words = ["stuck", "lingering", "exited", "orphaned", "cancelled"];
      const code = outlook.kind === "pending" ? [outlook.trouble.code] : [];
      return [...words, ...code].map((word) => [`${print.job.metadata.uid}/${word}`, since] as const);
    }),
  );
}

function sinceOf(print: JobPrint, outlook: Outlook): Date {
  const ended = "endedAt" in outlook ? outlook.endedAt : undefined;
  const newest = print.pods.at(-1);
  return ended ?? new Date((newest ?? print.job).metadata.creationTimestamp);
}
