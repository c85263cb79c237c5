// Answer: the result of a request, or its error: the other checks continue when one request fails.

import { PrefectError } from "../orchestrator/errors.ts";
import { ExpectedError } from "../base/errors.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { Finding } from "./finding.ts";

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ExpectedError };

/** Sends a request; an ExpectedError becomes an answer, everything else (bugs, Ctrl-C) is thrown. */
export async function attempt<T>(request: () => Promise<T> | T): Promise<Answer<T>> {
  try {
    return { ok: true, value: await request() };
  } catch (error) {
    if (error instanceof ExpectedError) return { ok: false, error };
    throw error;
  }
}

/** Whether the user has no permission for the request. */
export function isForbidden(error: ExpectedError): boolean {
  return error instanceof KubeError && error.status === 403;
}

/** The cause of the error, without the failed action. */
export function causeOf(error: ExpectedError): string {
  return error instanceof KubeError || error instanceof PrefectError ? error.detail : error.message;
}

/** Why a request to an address failed; names the address once, in its redacted form. */
export function failureAt(address: string, shown: string, error: ExpectedError): string {
  const cause = causeOf(error);
  if (cause.startsWith(`${address}: `)) return `cannot reach ${shown}${cause.slice(address.length)}`;
  return cause.includes(address) ? cause.replaceAll(address, shown) : `${shown}: ${cause}`;
}

/** The finding for a failed request; a missing permission to read is not a problem of the thing itself. */
export function failedRequestFinding(
  about: Pick<Finding, "section" | "check">,
  error: ExpectedError,
): Finding {
  if (isForbidden(error))
    return { ...about, status: "skipped", message: `no permission to check it: ${causeOf(error)}` };
  return { ...about, status: "warning", message: error.message, hint: error.hint };
}
