// Answer: what came of a question, its failure included: a check-up goes on when one thing cannot be asked.

import { PrefectError } from "../orchestrator/errors.ts";
import { ExpectedError } from "../base/errors.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { Finding } from "./finding.ts";

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ExpectedError };

/** Asks; what was foreseen is an answer, too. Throws everything else: defects, and Ctrl-C. */
export async function attempt<T>(ask: () => Promise<T> | T): Promise<Answer<T>> {
  try {
    return { ok: true, value: await ask() };
  } catch (error) {
    if (error instanceof ExpectedError) return { ok: false, error };
    throw error;
  }
}

/** Whether the server understood and said no: this user may not see it. */
export function isForbidden(error: ExpectedError): boolean {
  return error instanceof KubeError && error.status === 403;
}

/** The cause alone, where it is known apart from what was tried; without addresses that another line shows. */
export function causeOf(error: ExpectedError): string {
  return error instanceof KubeError || error instanceof PrefectError ? error.detail : error.message;
}

/** Why an address did not answer as it should; the address once, and as it may be shown. */
export function failureAt(address: string, shown: string, error: ExpectedError): string {
  const cause = causeOf(error);
  if (cause.startsWith(`${address}: `)) return `cannot reach ${shown}${cause.slice(address.length)}`;
  return cause.includes(address) ? cause.replaceAll(address, shown) : `${shown}: ${cause}`;
}

/** What is said of a thing that could not be asked for. Not to be allowed to look is no fault of the thing. */
export function unanswered(about: Pick<Finding, "section" | "check">, error: ExpectedError): Finding {
  if (isForbidden(error))
    return { ...about, status: "skipped", message: `not allowed to look: ${causeOf(error)}` };
  return { ...about, status: "warning", message: error.message, hint: error.hint };
}
