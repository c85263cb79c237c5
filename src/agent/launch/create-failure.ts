// What the API server's refusal of a Job means: the run fails only for its own fault. Pure.

import type { KubeError } from "../../kube/client/errors.ts";

/**
 * `run`: the run's own fault; `quota`: the namespace's quota is full; `passing`: a retry may succeed; `agent`: the agent's
 * permissions, credentials or namespace are missing, so no other run can start either.
 */
export type CreateFailure = "run" | "quota" | "passing" | "agent";

/** What a rule sees: the error, and the size of the Job that was sent, in bytes. */
interface Refusal {
  readonly error: KubeError;
  readonly text: string;
  readonly bytes: number;
}

/** What etcd takes by default: 1.5 MiB. */
export const MAX_JOB_BYTES = 1_572_864;

/**
 * The first rule that holds decides. Sources: apiserver admission/plugin/webhook/errors and admission/plugin/quota; etcd's
 * request limit; apiserver endpoints/handlers/responsewriters/errors (the words of RBAC).
 */
const RULES: readonly (readonly [CreateFailure, (refusal: Refusal) => boolean])[] = [
  // Webhooks and admission policies choose the status, and "denied the request" is put before their own words.
  ["run", ({ text }) => /denied (?:the )?request/i.test(text)],
  ["quota", ({ text }) => /exceeded quota|status unknown for quota/i.test(text)],
  ["run", isTooLarge],
  ["passing", ({ text }) => /failed calling webhook/i.test(text)],
  // An API server that has just started has not read what its admission plugins ask for (apiserver admission/initializer).
  ["passing", ({ text }) => /not yet ready to handle request|caches not synchronized/i.test(text)],
  // A conflict that is not AlreadyExists comes from the quota's own bookkeeping.
  ["passing", ({ error }) => error.status === 409 || error.retryable || !error.isStatus],
  ["agent", ({ error }) => error.status === 401 || error.reason === "BadCertificate"],
  ["agent", ({ error }) => error.status === 404 || error.causes.includes("NamespaceTerminating")],
  // RBAC names no object, since a Job that is created has none; admission does. An impersonation is refused for a user.
  ["agent", ({ error }) => error.status === 403 && error.object?.kind !== "jobs"],
];

/** What the refusal means. `bytes`: the size of the Job as it was sent. */
export function createFailure(error: KubeError, bytes: number): CreateFailure {
  const refusal = { error, text: error.detail, bytes };
  return RULES.find(([, holds]) => holds(refusal))?.[0] ?? "run";
}

/** Kubernetes (1.20 and 1.35 tried) answers 422 about a label for a Job that is too large, so its size decides, too. */
export function isTooLarge({ error, text, bytes }: Refusal): boolean {
  if (error.status === 413 || /request is too large|larger than max|entity too large/i.test(text))
    return true;
  return bytes > MAX_JOB_BYTES && (error.status === 422 || error.status === 500);
}
