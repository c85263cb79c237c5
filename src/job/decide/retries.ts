// Lines for the run's log about flows that failed and that Kubernetes starts again, as their Job's template asks.

import type { Pod } from "../../kube/client/objects.ts";
import { disruptionProblem } from "../observe/disruption.ts";
import { flowStatus } from "../observe/flow-container.ts";
import { hasOwnRetries, restartsContainer } from "../observe/kubernetes-retries.ts";
import { flowFailure, hasFailed, podTerminationProblem } from "../observe/pod-termination.ts";
import { logEntry } from "./job-context.ts";
import type { JobContext } from "./job-context.ts";
import type { RunLogEntry } from "./types.ts";

/** One line for each end so far. The last end of a Job that failed is told by its post-mortem. */
export function retryEntries(context: JobContext): readonly RunLogEntry[] {
  const { phase, observed } = context;
  const isOver = ["failed", "disrupted", "deleted"].includes(phase.kind);
  if (isOver || context.input.run.kind !== "known") return [];
  return [...observed.pods, ...observed.deletedPods].flatMap((pod) => entryOf(context, pod) ?? []);
}

function entryOf(context: JobContext, pod: Pod): RunLogEntry | undefined {
  const { job } = context.observed;
  if (!hasOwnRetries(job, pod)) return undefined;
  const problem = disruptionProblem(pod) ?? podTerminationProblem(pod);
  if (problem === undefined) return undefined;
  if (hasFailed(pod, job)) {
    const key = `Kubernetes starts another pod of Job ${job.metadata.name} after pod ${pod.metadata.name}: `;
    return logEntry(context, "WARNING", { message: key + problem.message, key });
  }
  if (!restartsContainer(job, pod) || flowFailure(pod) === undefined) return undefined;
  const { restartCount = 0, state } = flowStatus(pod) ?? {};
  const ends = restartCount + (state?.running === undefined ? 1 : 0);
  const key = `Kubernetes restarts the flow in pod ${pod.metadata.name} after attempt ${ends}: `;
  return logEntry(context, "WARNING", { message: key + problem.message, key });
}
