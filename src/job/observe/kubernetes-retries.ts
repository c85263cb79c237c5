// Kubernetes' own retries, where the Job's template asks for them: a new pod, or the container once more in its pod. Rules of
// the Job controller (pkg/controller/job/backoff_utils.go and pod_failure_policy.go).

import type { ExitCodes, Job, Pod, PodFailureRule } from "../../kube/client/objects.ts";
import { OWN_RETRIES_ANNOTATION } from "../labels.ts";
import { isOriginals } from "../owner.ts";
import { containerStatuses, flowSpec, flowStatus, lastEnd } from "./flow-container.ts";

/** What the API server sets where nobody says anything. */
const DEFAULT_BACKOFF_LIMIT = 6;

/** Whether the template itself sets a backoffLimit above 0. Where the API server's default may stand, an annotation tells. */
function hasOwnBackoffLimit({ metadata, spec }: Job, restartPolicy: string | undefined): boolean {
  const { backoffLimit = DEFAULT_BACKOFF_LIMIT } = spec;
  if (backoffLimit !== DEFAULT_BACKOFF_LIMIT) return backoffLimit > 0;
  if (metadata.annotations?.[OWN_RETRIES_ANNOTATION] !== undefined) return true;
  return restartPolicy !== "OnFailure" && !isOriginals(metadata);
}

/**
 * Whether the kubelet starts the flow's container again when it fails, and the template wants it so: by the container's own
 * rules and policy (Kubernetes 1.34, KEP 5307), else by the pod's.
 */
export function restartsContainer(job: Job, pod: Pod): boolean {
  const { restartPolicyRules = [], restartPolicy } = flowSpec(pod) ?? {};
  const exitCode = lastEnd(flowStatus(pod))?.exitCode;
  const rule = restartPolicyRules.find((each) => exitCode !== undefined && hasCode(each.exitCodes, exitCode));
  if (rule !== undefined) return rule.action.startsWith("Restart");
  if (restartPolicy !== undefined) return restartPolicy !== "Never";
  const ofPod = pod.spec.restartPolicy;
  return ofPod === "OnFailure" && hasOwnBackoffLimit(job, ofPod);
}

/** Whether the Job controller creates another pod after these failed ones, the newest last. */
export function createsAnotherPod(job: Job, failed: readonly Pod[]): boolean {
  const counted = failed.filter((pod) => actionFor(pod, job) !== "Ignore");
  return replacesPod(job, failed.at(-1), Math.max(job.status.failed ?? 0, counted.length));
}

/** Whether the Job controller creates another pod when it takes this one, which it has not counted, from a node that is gone. */
export function replacesDisrupted(job: Job, pod: Pod): boolean {
  const conditions = [{ type: "DisruptionTarget", status: "True" }];
  const disrupted = { ...pod, status: { ...pod.status, conditions } };
  return replacesPod(job, disrupted, (job.status.failed ?? 0) + 1);
}

/** `failures`: how many count against the limit, this pod's included. */
function replacesPod(job: Job, pod: Pod | undefined, failures: number): boolean {
  const action = pod && actionFor(pod, job);
  if (action === "Ignore") return true;
  if (action === "FailJob") return false;
  return hasOwnBackoffLimit(job, pod?.spec.restartPolicy) && failures <= (job.spec.backoffLimit ?? 0);
}

/** Of the first rule of the podFailurePolicy that fits. */
function actionFor(pod: Pod, { spec }: Job): string | undefined {
  return spec.podFailurePolicy?.rules?.find((rule) => fits(rule, pod))?.action;
}

/** Whether the template asks for any retries. */
export function hasOwnRetries(job: Job, pod: Pod): boolean {
  const { restartPolicyRules, restartPolicy = "Never" } = flowSpec(pod) ?? {};
  const isAskedOfKubelet = restartPolicyRules !== undefined || restartPolicy !== "Never";
  const isAsked = isAskedOfKubelet || job.spec.podFailurePolicy !== undefined;
  return isAsked || hasOwnBackoffLimit(job, pod.spec.restartPolicy);
}

function hasCode({ operator, values = [] }: ExitCodes, exitCode: number): boolean {
  return values.includes(exitCode) === (operator === "In");
}

function fits({ onExitCodes, onPodConditions = [] }: PodFailureRule, pod: Pod): boolean {
  if (onExitCodes !== undefined) {
    const { containerName } = onExitCodes;
    return containerStatuses(pod)
      .filter(({ name }) => containerName === undefined || name === containerName)
      .map((status) => lastEnd(status)?.exitCode ?? 0)
      .some((exitCode) => exitCode !== 0 && hasCode(onExitCodes, exitCode));
  }
  const { conditions = [] } = pod.status;
  return onPodConditions.some((wanted) =>
    conditions.some(({ type, status }) => type === wanted.type && status === (wanted.status ?? "True")),
  );
}
