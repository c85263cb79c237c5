// What doctor's checks make of requests that fail.

import { attempt } from "../base/attempt.ts";
import { ExpectedError } from "../base/errors.ts";
import { KubeError } from "../kube/client/errors.ts";
import { PrefectError } from "../orchestrator/errors.ts";

/** Something else has failed first, and the check of that reports it. */
export class ReportedError extends ExpectedError {}

/** The result of a request whose failure another check reports. Throws ReportedError. */
export async function reported<T>(request: Promise<T>): Promise<T> {
  const answer = await attempt(() => request);
  if (answer.ok) return answer.value;
  throw new ReportedError(answer.error.message);
}

/** Sends the request at the first call, and only once: all callers get its result, or its error. */
export function once<T>(request: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= request());
}

/** The cause of the error, without the failed action. */
export function causeOf(error: ExpectedError): string {
  return error instanceof KubeError || error instanceof PrefectError ? error.detail : error.message;
}

/** Why an API cannot be used, as the message of a finding. `address`: without a password; `key`: if one is set. */
export function unreachable(address: string, error: ExpectedError, key?: unknown): string {
  const cause = causeOf(error);
  if (error instanceof PrefectError && error.failure === "unauthorized") {
    const missing = "it requires an API key, and none is set";
    return key === undefined ? missing : `the API key is not accepted: ${cause}`;
  }
  if (cause.startsWith(`${address}: `)) return `cannot reach ${cause}`;
  return cause.includes(address) ? cause : `${address}: ${cause}`;
}
