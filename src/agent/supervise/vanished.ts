// Jobs that are gone and were not seen to end, as while the watch was interrupted: whether they had ended well.

import { completedHead } from "../../job/decide/by-phase.ts";
import type { ObservedJob, ObservedRun } from "../../job/observe/observed.ts";
import { isJobFinished, jobPhase } from "../../job/observe/phase.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { Deps } from "./executor.ts";

/**
 * Forgets those that had completed: another process has reported it, or a task of the Running run waits for its time, such as a
 * retry, for which the flow ends its process with 0. Returns whether there were any. Throws PrefectError.
 */
export async function forgetCompleted(
  deps: Pick<Deps, "runs" | "view" | "reported">,
  { flowRunId, jobs }: ObservedRun,
  run: RunStatus,
): Promise<boolean> {
  const vanished = jobs.filter(({ job, gone }) => gone && !isJobFinished(job));
  if (vanished.length === 0) return false;
  await deps.reported.refresh(flowRunId);
  const isReported = ({ job }: ObservedJob): boolean => deps.reported.has(flowRunId, completedHead(job));
  const isUnseen = (observed: ObservedJob): boolean => jobPhase(observed).kind === "deleted";
  const isRunning = run.state?.type === "running";
  const waits = isRunning && vanished.some(isUnseen) && (await deps.runs.hasWaitingTask(flowRunId));
  const completed = vanished.filter((job) => isReported(job) || (waits && isUnseen(job)));
  for (const { job } of completed) deps.view.forgetDeletedJob(flowRunId, job.metadata.uid);
  return completed.length > 0;
}
