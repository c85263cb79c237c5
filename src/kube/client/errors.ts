// Turns error responses and failed connections into KubeError. The only place that reads a Status object.

import { ExpectedError, type ErrorDetails } from "../../base/errors.ts";
import { isCertificateError, PROXY, TransportError } from "../../http/errors.ts";
import type { HttpAnswer } from "../../http/exchange.ts";
import { arrayIn, jsonIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { retryAfterMs } from "../../http/retry-after.ts";
import { webPageIn } from "../../http/web-page.ts";
import { redactUrl } from "../../base/redact-url.ts";
import { inNamespace } from "./objects.ts";

export interface KubeFailure extends ErrorDetails {
  readonly status: number;
  readonly reason: string;
  /** Whether the server answered with a Status object; a proxy's page is none. Default: yes. */
  readonly isStatus?: boolean;
  /** The object that the Status names, with the plural of its resource. */
  readonly object?: { readonly name: string; readonly kind: string } | undefined;
  /** The reasons of the Status's causes. */
  readonly causes?: readonly string[];
}

/** The cluster cannot be reached or returned an error. Exit code 4. */
export class KubeError extends ExpectedError {
  override readonly exitCode = 4;
  /** HTTP status; 0 when there was no response. */
  readonly status: number;
  /** The reason of the Status object, such as Forbidden, Invalid or Expired. */
  readonly reason: string;
  readonly isStatus: boolean;
  readonly object: KubeFailure["object"];
  readonly causes: readonly string[];
  /** The message without the action. */
  readonly detail: string;

  constructor(action: string, detail: string, failure: KubeFailure) {
    super(`cannot ${action}: ${detail}`, { ...failure, retryable: isTransient(failure) });
    this.detail = detail;
    this.status = failure.status;
    this.reason = failure.reason;
    this.isStatus = failure.isStatus ?? true;
    this.object = failure.object;
    this.causes = failure.causes ?? [];
  }
}

/** The error for a response that is not 2xx. `action` follows "cannot" in the message. */
export function kubeErrorOf(action: string, answer: HttpAnswer): KubeError {
  const status = statusIn(answer.body);
  if (status === undefined && webPageIn(answer) !== undefined) return unreadable(action, answer);
  const reason = textIn(status?.["reason"]) ?? REASONS[answer.status] ?? "Unknown";
  const message = textIn(status?.["message"]) ?? `the server answered ${answer.status}`;
  const details = objectIn(status?.["details"]);
  const name = textIn(details["name"]);
  return new KubeError(action, message, {
    status: answer.status,
    reason,
    isStatus: status !== undefined,
    object: name === undefined ? undefined : { name, kind: textIn(details["kind"]) ?? "" },
    causes: arrayIn(details["causes"]).flatMap((cause) => textIn(objectIn(cause)["reason"]) ?? []),
    retryAfterMs: retryAfterMs(answer.headers),
    hint: answer.status === 403 && action.endsWith(inNamespace(undefined)) ? ONE : HINTS[answer.status],
  });
}

/** The error for an answer that does not come from a Kubernetes API. It may come from one later. */
export function unreadable(action: string, answer: HttpAnswer): KubeError {
  const page = webPageIn(answer);
  const other =
    jsonIn(answer.body) === undefined ? "something else than JSON" : "JSON that is not of Kubernetes";
  const what = `with ${page ?? other}`;
  const isOutage = answer.status >= 500 || answer.status === 429;
  return new KubeError(action, `the server answered ${answer.status} ${what}`, {
    status: isOutage || answer.status === 401 ? answer.status : 0,
    reason: "NotKubernetes",
    isStatus: false,
    retryAfterMs: retryAfterMs(answer.headers),
    hint: isOutage
      ? undefined
      : "check the server URL: it is not the Kubernetes API, or a proxy before it wants a login",
  });
}

/** The error for a failed connection; other errors are returned unchanged. */
export function connectionError(action: string, server: string, error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  const certificate = isCertificateError(error);
  return new KubeError(action, `${redactUrl(server)}: ${error.message}`, {
    status: 0,
    reason: certificate ? "BadCertificate" : "Unreachable",
    cause: error,
    hint: certificate
      ? "check certificate-authority in the kubeconfig, --certificate-authority or --tls-server-name; --insecure-skip-tls-verify turns the check off"
      : error.code === PROXY
        ? "check the proxy, or exempt the server from it with NO_PROXY"
        : "check the server URL and the network with: kubectl cluster-info",
  });
}

/** The error for an ERROR event of a watch. */
export function watchError(action: string, status: unknown): KubeError {
  const fields = objectIn(status);
  const code = typeof fields["code"] === "number" ? fields["code"] : 500;
  return new KubeError(action, textIn(fields["message"]) ?? "the watch was refused", {
    status: code,
    reason: textIn(fields["reason"]) ?? REASONS[code] ?? "Unknown",
  });
}

/** Whether the API server answered that a permission is missing. */
export function isForbidden(error: unknown): error is KubeError {
  return error instanceof KubeError && error.isStatus && error.status === 403;
}

/** Whether the API server, or an admission policy, refused the change for good: Kyverno answers 400, CEL policies 422. */
export function isRefusal(error: unknown): error is KubeError {
  return error instanceof KubeError && error.isStatus && [400, 403, 422].includes(error.status);
}

function isTransient({ status, reason, isStatus: isItsOwn = true }: KubeFailure): boolean {
  if (reason === "BadCertificate") return false;
  // What stands before the API server says nothing of an object; only of the credentials, with 401.
  if (!isItsOwn && status !== 401) return true;
  return status === 0 || status === 408 || status === 410 || status === 429 || status >= 500;
}

/** The reasons of answers without a Status. */
const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
};

const HINTS: Readonly<Record<number, string>> = {
  401: "log in to the cluster again: it does not accept the credentials of this context",
  403: "check the permissions of this user with: kubectl prefect doctor",
};
/** doctor looks into one namespace, where nothing may be missing. */
const ONE = "choose one namespace with -n";

/** Whether the body is a Status object, which only the API server writes. */
export function isStatus(body: string): boolean {
  return statusIn(body) !== undefined;
}

function statusIn(body: string): JsonObject | undefined {
  const answer = objectIn(jsonIn(body));
  return answer["kind"] === "Status" ? answer : undefined;
}
