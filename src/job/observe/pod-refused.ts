// Why the Job controller cannot create a pod, from the Job's events. They carry neither code nor details: words decide.

import type { KubeEvent } from "../../kube/client/objects.ts";
import { newestFirst } from "./pod-obstacles.ts";
import type { Obstacle, Patience, ProblemReason } from "./problem.ts";
import { oneLine } from "./problem.ts";

interface Refusal {
  readonly pattern: RegExp;
  readonly problem: ProblemReason;
  readonly text: string;
  readonly hint?: string;
  readonly patience: Patience;
}

/**
 * The first that fits decides; what fits none passes, as a webhook that cannot be called. Sources in kubernetes/kubernetes:
 * staging/src/k8s.io/apiserver/pkg/admission (quota, webhooks, errors.go), plugin/pkg/admission/serviceaccount,
 * pkg/apis/core/validation ("is invalid:"), plugin/pkg/admission/namespace/lifecycle (terminating).
 */
const REFUSALS: readonly Refusal[] = [
  {
    pattern: /exceeded quota|status unknown for quota/i,
    problem: "Quota",
    text: "no pod can be created",
    hint: "wait for other pods to finish, or ask for a larger quota",
    patience: "pending",
  },
  {
    pattern:
      /serviceaccounts? "?[^"]*"? not found|service account .* not found|error looking up service account/i,
    problem: "ServiceAccount",
    text: "no pod can be created",
    hint: "create the ServiceAccount, or correct service_account_name in the run config",
    patience: "start",
  },
  {
    pattern: /because it is being terminated/i,
    problem: "NoPod",
    text: "no pod can be created",
    hint: "the namespace is being deleted",
    patience: "passing",
  },
  {
    pattern: /denied (?:the )?request|is forbidden:|is invalid:/i,
    problem: "Admission",
    text: "the cluster rejects the pod",
    hint: "change the job template so that the cluster's policies accept it",
    patience: "none",
  },
  { pattern: /^/, problem: "NoPod", text: "no pod can be created", patience: "passing" },
];

/** Undefined: nothing is known to be in the way of the pod. */
export function refusedPod(events: readonly KubeEvent[]): Obstacle | undefined {
  const failed = newestFirst(events).find(({ reason }) => reason === "FailedCreate");
  if (failed === undefined) return undefined;
  const message = oneLine(failed.message ?? "");
  const row = REFUSALS.find(({ pattern }) => pattern.test(message));
  return (
    row && { reason: row.problem, message: `${row.text}: ${message}`, hint: row.hint, patience: row.patience }
  );
}
