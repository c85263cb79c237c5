// Failed: what a Job asks for that went wrong: its story in the run's log, the run's state, and when the Job goes.

import { isSuccessful } from "../../prefect1/states.ts";
import type { Case, Opinion } from "./job-context.ts";
import { isRunAlive, isRunOver, msSince, saying, sighting } from "./job-context.ts";
import { isDead } from "../observe/pod-termination.ts";
import { postMortem } from "../observe/post-mortem.ts";
import type { Trouble, TroubleCode } from "../observe/problem.ts";
import type { Saying, Settlement, Tail } from "./decide.ts";

/** Troubles of containers that never ran: they have no log. */
const NO_LOG = new Set<TroubleCode>([
  "InvalidImageName",
  "ImagePull",
  "Config",
  "CreateContainer",
  "StartError",
  "Unschedulable",
  "Volume",
]);

/** The story, Failed, and the Job's end after its retention. */
export function failedOpinion(subject: Case, trouble: Trouble, endedAt: Date | undefined): Opinion {
  const sighted = sighting(subject, "ended", endedAt);
  const afterMs = subject.input.policy.deleteFailedAfterMs;
  const remove = retention(subject, { afterMs, endedAt: sighted.since, why: trouble.summary });
  const settle = failure(subject, trouble);
  return { word: "failed", why: trouble.summary, say: story(subject, trouble), settle, remove, sighted };
}

/** The same for a pod that the cluster took; with `--on-disruption retry` the run is scheduled anew. */
export function disruptedOpinion(subject: Case, trouble: Trouble, endedAt: Date | undefined): Opinion {
  const failed = failedOpinion(subject, trouble, endedAt);
  const { settle } = failed;
  if (subject.input.policy.onDisruption === "fail" || settle?.kind !== "fail" || settle.withStory)
    return failed;
  // A Job can count as failed while its pod still has its grace: a second process beside that one would be half a run each.
  const { print } = subject;
  if (!print.gone && print.pods.some((pod) => !isDead(pod) && pod.status.phase !== "Succeeded"))
    return { word: "failed", why: trouble.summary, sighted: failed.sighted };
  const say = (failed.say ?? []).map((one) => ({ ...one, level: "WARNING" as const }));
  return {
    ...failed,
    say,
    settle: {
      kind: "reschedule",
      message: `Rescheduled because ${trouble.summary}`,
      job: subject.print.job.metadata.name,
    },
  };
}

/** When a Job that is over goes: `afterMs` after its end; undefined: never. */
export function retention(
  subject: Case,
  given: { readonly afterMs: number | undefined; readonly endedAt: Date; readonly why: string },
): Opinion["remove"] {
  const { afterMs, endedAt, why } = given;
  return afterMs === undefined ? undefined : { inMs: afterMs - msSince(subject, endedAt), why };
}

/** A run in a newer Job's hands is not failed for an older one. */
function failure(subject: Case, trouble: Trouble): Settlement | undefined {
  if (!isRunAlive(subject) || subject.otherLive || subject.stateOf === "newer") return undefined;
  const withStory = subject.stateOf === "coming";
  return { kind: "fail", message: `Kubernetes Error: ${trouble.summary}`, withStory };
}

function story(subject: Case, trouble: Trouble): Saying[] {
  const { run } = subject.input;
  const over = isRunOver(subject);
  // A Job deleted after its run was over is housekeeping, not news.
  if (run.kind !== "known" || (over && trouble.code === "JobDeleted")) return [];
  const level = over && isSuccessful(run.state.type) ? "WARNING" : "ERROR";
  const name = subject.print.job.metadata.name;
  const words = { message: postMortem(subject.print, trouble), mark: `Job ${name}: ` };
  return [{ ...saying(subject, level, words), tailOf: tailOf(trouble) }];
}

function tailOf({ code, pod, container }: Trouble): Tail | undefined {
  if (pod === undefined || NO_LOG.has(code)) return undefined;
  return { pod, container, previous: code === "CrashLoop" };
}
