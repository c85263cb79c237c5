// The Job controller's decisions: from a Job and its pods to numbers, conditions, and what to create or end.
// Pure. After pkg/controller/job of Kubernetes 1.35, for Jobs without indexes.

import type { Condition, Job, JobSpec, Pod } from "../../../src/kube/client/objects.ts";

/** Holds a pod until its Job has counted it. */
export const TRACKING = "batch.kubernetes.io/job-tracking";

/** What a plan looks at. */
export interface JobView {
  readonly job: Job;
  /** All pods that the Job owns. */
  readonly pods: readonly Pod[];
  readonly now: Date;
  /** What a plan in the same pass has decided; carrying it out must not change the reason. */
  readonly decided?: JobOutcome | undefined;
}

/** What to do for a Job, and the numbers for its status. */
export interface JobPlan {
  /** Pods that have ended and are not in the Job's numbers yet. */
  readonly uncounted: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] };
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  /** With the uncounted ones. */
  readonly succeeded: number;
  readonly failed: number;
  /** SuccessCriteriaMet or FailureTarget, once the Job's end is decided. */
  readonly decision: JobOutcome | undefined;
  /** Pods to end now. */
  readonly surplus: readonly Pod[];
  /** How many pods to create now. */
  readonly missing: number;
  /** Milliseconds until activeDeadlineSeconds have passed. */
  readonly deadlineMs: number | undefined;
}

/** How a Job ends: as both of its last conditions say it. */
export interface JobOutcome {
  readonly succeeded: boolean;
  readonly reason: string;
  readonly message: string;
}

const COMPLETED: JobOutcome = {
  succeeded: true,
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};
const BACKOFF: JobOutcome = {
  succeeded: false,
  reason: "BackoffLimitExceeded",
  message: "Job has reached the specified backoff limit",
};
const DEADLINE: JobOutcome = {
  succeeded: false,
  reason: "DeadlineExceeded",
  message: "Job was active longer than specified deadline",
};

/** What a Job needs now. */
export function planJob(view: JobView): JobPlan {
  const { job, pods } = view;
  const tracked = pods.filter((pod) => pod.metadata.finalizers?.includes(TRACKING));
  const uncounted = {
    succeeded: tracked.filter((pod) => pod.status.phase === "Succeeded"),
    failed: tracked.filter((pod) => isFailed(pod, job)),
  };
  const counting = uncounted.failed.filter((pod) => ruleFor(pod, job)?.rule.action !== "Ignore");
  const active = pods.filter((pod) => isActive(pod));
  const counted = {
    active: active.length,
    ready: active.filter((pod) => isReady(pod)).length,
    terminating: pods.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp !== undefined).length,
    succeeded: (job.status.succeeded ?? 0) + uncounted.succeeded.length,
    failed: (job.status.failed ?? 0) + counting.length,
  };
  const deadlineMs = deadlineOf(view);
  const failing = uncounted.failed.flatMap((pod) => policyFailure(pod, job) ?? [])[0];
  const decision = view.decided ?? failing ?? outcomeOf(job, active, { ...counted, deadlineMs });
  const isStopped = decision?.succeeded === false || job.spec.suspend === true;
  return {
    uncounted,
    ...counted,
    decision,
    surplus: isStopped ? active : [],
    missing: isStopped || decision !== undefined ? 0 : missingOf(job, counted),
    deadlineMs,
  };
}

interface PolicyRule {
  readonly action: string;
  readonly onExitCodes?: { containerName?: string; operator: "In" | "NotIn"; values: number[] };
  readonly onPodConditions?: { type: string; status?: string }[];
}

/** The first rule of the podFailurePolicy that fits a pod that has ended. */
function ruleFor(pod: Pod, { spec }: Job): { readonly rule: PolicyRule; readonly index: number } | undefined {
  const rules = (spec.podFailurePolicy?.rules ?? []) as readonly PolicyRule[];
  const index = rules.findIndex(({ onExitCodes, onPodConditions = [] }) => {
    if (onExitCodes === undefined)
      return onPodConditions.some(({ type }) => pod.status.conditions?.some((one) => one.type === type));
    const { containerName, operator, values } = onExitCodes;
    const codes = (pod.status.containerStatuses ?? [])
      .filter(({ name }) => containerName === undefined || containerName === name)
      .map(({ state }) => state?.terminated?.exitCode ?? 0)
      .filter((code) => code !== 0);
    return codes.some((code) => (operator === "In" ? values.includes(code) : !values.includes(code)));
  });
  const rule = rules[index];
  return rule === undefined || !hasEnded(pod) ? undefined : { rule, index };
}

function policyFailure(pod: Pod, job: Job): JobOutcome | undefined {
  const found = ruleFor(pod, job);
  if (found?.rule.action !== "FailJob") return undefined;
  const { namespace, name } = pod.metadata;
  const [status] = (pod.status.containerStatuses ?? []).filter(
    ({ state }) => (state?.terminated?.exitCode ?? 0) !== 0,
  );
  const message = `Container ${status?.name} for pod ${namespace}/${name} failed with exit code ${status?.state?.terminated?.exitCode} matching FailJob rule at index ${found.index}`;
  return { succeeded: false, reason: "PodFailurePolicy", message };
}

/** Whether the Job's end has been told. */
export function isOver(job: Pick<Job, "status">): boolean {
  return (job.status.conditions ?? []).some(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

/** The condition that announces an end, and the one that tells it. */
export function finalCondition(decision: JobOutcome, stage: "decided" | "done", at: string): Condition {
  const { reason, message, succeeded } = decision;
  const decided = succeeded ? "SuccessCriteriaMet" : "FailureTarget";
  const type = stage === "decided" ? decided : succeeded ? "Complete" : "Failed";
  const times = { lastProbeTime: at, lastTransitionTime: at };
  return { type, status: "True", ...times, reason, message };
}

function hasEnded(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined;
}

function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

// A pod on its way out counts as failed at once, unless the Job asks to wait for its end.
function isFailed(pod: Pod, job: Job): boolean {
  if (hasEnded(pod)) return pod.status.phase === "Failed";
  return pod.metadata.deletionTimestamp !== undefined && !waitsForEnds(job.spec);
}

function waitsForEnds(spec: JobSpec & { readonly podReplacementPolicy?: string }): boolean {
  return spec.podReplacementPolicy === "Failed";
}

function deadlineOf({ job, now }: JobView): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || job.status.startTime === undefined) return undefined;
  return new Date(job.status.startTime).getTime() + activeDeadlineSeconds * 1_000 - now.getTime();
}

type Counts = Pick<JobPlan, "active" | "succeeded" | "failed" | "deadlineMs">;

function outcomeOf(job: Job, active: readonly Pod[], counts: Counts): JobOutcome | undefined {
  const decided = (job.status.conditions ?? []).find(
    ({ type, status }) => (type === "SuccessCriteriaMet" || type === "FailureTarget") && status === "True",
  );
  if (decided !== undefined) {
    const { type, reason = "", message = "" } = decided;
    return { succeeded: type === "SuccessCriteriaMet", reason, message };
  }
  const limit = job.spec.backoffLimit ?? 6;
  if (counts.failed > limit || restartsOf(job, active) > Math.max(0, limit - 1)) return BACKOFF;
  if (counts.deadlineMs !== undefined && counts.deadlineMs <= 0) return DEADLINE;
  const wanted = job.spec.completions ?? 1;
  return counts.succeeded >= wanted && counts.active === 0 ? COMPLETED : undefined;
}

/** Containers that are started again in their pod count against the limit as failed pods do. */
function restartsOf(job: Job, active: readonly Pod[]): number {
  if (job.spec.template?.spec?.restartPolicy !== "OnFailure") return 0;
  const statuses = active.flatMap(({ status }) => [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ]);
  return statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
}

function missingOf(job: Job, counts: Pick<JobPlan, "active" | "succeeded" | "terminating">): number {
  const { parallelism = 1, completions } = job.spec;
  const left =
    completions === undefined ? (counts.succeeded > 0 ? 0 : parallelism) : completions - counts.succeeded;
  const inTheWay = waitsForEnds(job.spec) ? counts.terminating : 0;
  return Math.max(0, Math.min(parallelism, left) - counts.active - inTheWay);
}
