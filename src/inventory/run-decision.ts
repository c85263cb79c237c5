// Inventory: the agent's own decision on what was found in one look. Pure. A watcher knows since when it has seen a
// problem; one look knows only since when the pod or Job is as it is, which is what counts here.

import { isCancelled, isFinished } from "../orchestrator/flow-run.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { Decision } from "../job/decide/types.ts";
import { DEFAULT_POLICY } from "../job/decide/policy.ts";
import type { ObservedJob, ObservedRun } from "../job/observe/observed.ts";
import { hasCondition } from "../job/observe/observed.ts";
import type { JobPhase } from "../job/observe/phase.ts";
import { isLive, jobPhase } from "../job/observe/phase.ts";
import { decide } from "../job/decide/decide.ts";
import type { Job, JobStatus } from "../kube/client/objects.ts";
import type { InventoryRun } from "./inventory.ts";

type Subject = Pick<InventoryRun, "observed" | "status" | "podsForbidden">;

/** The decision on all that the run has, as an agent with its default patience would come to. */
export function decideRun({ observed, status: run, podsForbidden }: Subject, now: Date): Decision {
  const newest = observed.jobs.at(-1);
  if (podsForbidden === true && newest !== undefined) return blindDecision(newest.job, run);
  return decide({
    observed,
    run,
    policy: DEFAULT_POLICY,
    now,
    firstObserved: firstObservedOf(observed),
  });
}

/** The decision on one Job of the run, in the light of the run's other living ones. */
export function decideJob(run: InventoryRun, print: ObservedJob, now: Date): Decision {
  const others = run.observed.jobs.filter((other) => other !== print && isLive(jobPhase(other)));
  const observed = { ...run.observed, jobs: [print, ...others] };
  return run.podsForbidden === true
    ? blindDecision(print.job, run.status)
    : decideRun({ observed, status: run.status }, now);
}

/** Where pods may not be listed: what Prefect and the Job itself say. Nobody would act on it. */
function blindDecision({ status, spec }: Job, view: RunStatus): Decision {
  const { word, why } = blindWords(status, spec.suspend === true, view);
  return {
    status: word,
    reason: why,
    logs: [],
    deletions: [],
    deleteDask: false,
    heartbeat: false,
    firstObserved: new Map(),
  };
}

function blindWords(
  status: JobStatus,
  isSuspended: boolean,
  view: RunStatus,
): { readonly word: string; readonly why: string } {
  if (view.kind === "missing") return { word: "orphaned", why: "its flow run no longer exists in Prefect" };
  const why = view.kind === "known" ? `its flow run is ${view.state.name}` : "";
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

/** The keys of job/decision.ts, each with the moment from which its grace counts. */
function firstObservedOf(observed: ObservedRun): ReadonlyMap<string, Date> {
  return new Map(
    observed.jobs.flatMap((print) => {
      const phase = jobPhase(print);
      const since = sinceOf(print, phase);
      const words = ["stuck", "sidecarRunning", "exited", "orphaned", "cancelled"];
      const code = phase.kind === "pending" ? [phase.problem.reason] : [];
      return [...words, ...code].map((word) => [`${print.job.metadata.uid}/${word}`, since] as const);
    }),
  );
}

function sinceOf(print: ObservedJob, phase: JobPhase): Date {
  const ended = "endedAt" in phase ? phase.endedAt : undefined;
  const newest = print.pods.at(-1);
  return ended ?? new Date((newest ?? print.job).metadata.creationTimestamp);
}
