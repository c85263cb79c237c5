// Why a Job failed by a limit of its own: activeDeadlineSeconds or backoffLimit. Pure.

import type { Job, Pod } from "../../kube/client/objects.ts";
import { containerStatuses, flowContainerName, specOf } from "./flow-container.ts";
import type { ObservedJob } from "./observed.ts";
import type { Problem } from "./problem.ts";
import { describeTermination } from "./termination.ts";

/** A Job that ran longer than activeDeadlineSeconds; `pod` is the one that ran. */
export function deadlineProblem(job: Job, pod: Pod | undefined): Problem {
  const seconds = job.spec.activeDeadlineSeconds;
  return {
    reason: "DeadlineExceeded",
    message: `Job '${job.metadata.name}' ran longer than its deadline${seconds === undefined ? "" : ` of ${seconds} s`}`,
    hint: "raise activeDeadlineSeconds in the job template",
    pod: pod?.metadata.name,
    container: pod === undefined ? undefined : flowContainerName(pod),
  };
}

/**
 * A Job that Kubernetes gave up by backoffLimit for restarts of one container: it counts those of all containers, sidecars'
 * too, and then deletes the pod. Undefined if no container restarted.
 */
export function givenUpProblem({ job, pods, deletedPods }: ObservedJob, reason = ""): Problem | undefined {
  if (reason !== "BackoffLimitExceeded") return undefined;
  const restarted = [...pods, ...deletedPods]
    .filter(({ spec }) => spec.restartPolicy === "OnFailure")
    .flatMap((pod) => containerStatuses(pod).map((status) => ({ pod, status })))
    .toSorted((a, b) => (b.status.restartCount ?? 0) - (a.status.restartCount ?? 0));
  const [{ pod, status } = {}] = restarted;
  const count = status?.restartCount ?? 0;
  if (pod === undefined || status === undefined || count === 0) return undefined;
  const end = status.lastState?.terminated;
  const last = end === undefined ? "" : `, which last ${describeTermination(end, specOf(pod, status))}`;
  const message = `Kubernetes gave Job '${job.metadata.name}' up (${reason}) after ${count} restarts of container '${status.name}'${last}`;
  const hint = "see why the container ends, or raise backoffLimit in the job template";
  return { reason: "CrashLoop", message, hint, pod: pod.metadata.name, container: status.name };
}
