// Inventory: the agent's own verdict on what was found in one look. Pure. A watcher knows since when it has seen a
// trouble; one look knows only since when the pod or Job is as it is, which is what counts here.

import type { Footprint, JobPrint } from "../job/observe/observed.ts";
import { hasCondition } from "../job/observe/observed.ts";
import { isCancelled } from "../job/decide/dask.ts";
import type { Outlook } from "../job/observe/phase.ts";
import { isLive, outlookOf } from "../job/observe/phase.ts";
import type { RunView, Verdict } from "../job/decide/decide.ts";
import { DEFAULT_POLICY, judge } from "../job/decide/decide.ts";
import type { Job, JobStatus } from "../kube/client/objects.ts";
import { stateWord } from "../prefect3/states.ts";
import { isFinished } from "../prefect1/states.ts";
import type { RunPrint } from "./inventory.ts";

type Subject = Pick<RunPrint, "footprint" | "run" | "podsUnseen">;

/** The verdict on all that the run has, as an agent with its default patience would come to. */
export function opinionOnRun({ footprint, run, podsUnseen }: Subject, now: Date): Verdict {
  const newest = footprint.jobs.at(-1);
  if (podsUnseen === true && newest !== undefined) return blindOpinion(newest.job, run);
  return judge({ footprint, run, policy: DEFAULT_POLICY, now, sightings: sightingsOf(footprint) });
}

/** The verdict on one Job of the run, in the light of the run's other living ones. */
export function opinionOnJob(run: RunPrint, print: JobPrint, now: Date): Verdict {
  const others = run.footprint.jobs.filter((other) => other !== print && isLive(outlookOf(other)));
  const footprint = { ...run.footprint, jobs: [print, ...others] };
  return run.podsUnseen === true
    ? blindOpinion(print.job, run.run)
    : opinionOnRun({ footprint, run: run.run }, now);
}

/** Where pods may not be listed: what Prefect and the Job itself say. Nobody would act on it. */
function blindOpinion({ status, spec }: Job, view: RunView): Verdict {
  const { word, why } = blindWords(status, spec.suspend === true, view);
  return { word, why, say: [], remove: [], clear: false, heartbeat: false, sighted: new Map() };
}

function blindWords(
  status: JobStatus,
  isSuspended: boolean,
  view: RunView,
): { readonly word: string; readonly why: string } {
  if (view.kind === "missing") return { word: "orphaned", why: "its flow run no longer exists in Prefect" };
  const why = view.kind === "known" ? `its flow run is ${stateWord(view.state)}` : "";
  if (isCancelled(view)) return { word: "cancelled", why };
  if (hasCondition(status, "Complete")) return { word: "finished", why: "its Job completed" };
  const failure = status.conditions?.find(({ type, status: holds }) => type === "Failed" && holds === "True");
  if (failure !== undefined) return { word: "failed", why: failure.message ?? "its Job failed" };
  if (view.kind === "known" && isFinished(view.state.type)) return { word: "finished", why };
  if (isSuspended) return { word: "active", why: "suspended" };
  const isAtWork = (status.ready ?? status.active ?? 0) > 0;
  if (isAtWork) return { word: "active", why: "running by the Job's own count; its pods may not be listed" };
  return { word: "pending", why: "no pod is ready by the Job's own count; they may not be listed" };
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
