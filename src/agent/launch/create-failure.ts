// What the API server's refusal of a Job means: the run fails only for its own fault. Pure.

import type { KubeError } from "../../kube/client/errors.ts";

/**
 * `run`: the run's own fault; `quota`: the namespace's quota is full; `passing`: a retry may succeed; `agent`: the agent's
 * permissions, credentials or namespace are missing, so no other run can start either.
 */
export type CreateFailure = "run" | "quota" | "passing" | "agent";

/** What etcd takes by default: 1.5 MiB. */
export const MAX_JOB_BYTES = 1_572_864;

/**
 * The first rule that holds decides. Sources: apiserver admission/plugin/webhook/errors and admission/plugin/quota; etcd's
 * request limit; apiserver endpoints/handlers/responsewriters/errors (the words of RBAC).
 */
const RULES: readonly (readonly [CreateFailure, (error: KubeError, bytes: number) => boolean])[] = [
  // Webhooks and admission policies choose the status, and "denied the request" is put before their own words.
  ["run", ({ detail }) => /denied (?:the )?request/i.test(detail)],
  ["quota", ({ detail }) => /exceeded quota|status unknown for quota/i.test(detail)],
  ["run", isTooLarge],
  ["passing", ({ detail }) => /failed calling webhook/i.test(detail)],
  // An API server that has just started has not read what its admission plugins ask for (apiserver admission/initializer).
  ["passing", ({ detail }) => /not yet ready to handle request|caches not synchronized/i.test(detail)],
  // A conflict that is not AlreadyExists comes from the quota's own bookkeeping.
  ["passing", (error) => error.status === 409 || error.retryable || !error.isStatus],
  ["agent", ({ status, reason }) => status === 401 || reason === "BadCertificate"],
  ["agent", ({ status, causes }) => status === 404 || causes.includes("NamespaceTerminating")],
  // RBAC names no object, since a Job that is created has none; admission does. An impersonation is refused for a user.
  ["agent", ({ status, object }) => status === 403 && object?.kind !== "jobs"],
];

/** What the refusal means. `bytes`: the size of the Job as it was sent. */
export function createFailure(error: KubeError, bytes: number): CreateFailure {
  return RULES.find(([, holds]) => holds(error, bytes))?.[0] ?? "run";
}

/** Kubernetes (1.20 and 1.35 tried) answers 422 about a label for a Job that is too large, so its size decides, too. */
export function isTooLarge({ status, detail }: KubeError, bytes: number): boolean {
  if (status === 413 || /request is too large|larger than max|entity too large/i.test(detail)) return true;
  return bytes > MAX_JOB_BYTES && (status === 422 || status === 500);
}
