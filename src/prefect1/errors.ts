// Turns error responses and failed connections into PrefectError. The order of the rules is that of Core 1.4.1's client.

import { ClientError } from "graphql-request";
import { PrefectError, unreachableError } from "../orchestrator/errors.ts";
import { TransportError } from "../http/errors.ts";
import type { HttpAnswer } from "../http/exchange.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { webPageIn } from "../http/web-page.ts";
import { arrayIn, objectIn, textIn } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";

/** The PrefectError for what a request failed with; an abort and bugs stay what they are. `hasKey`: an API key was sent. */
export function prefectError(
  action: string,
  {
    url,
    hasKey,
    answer,
  }: { readonly url: string; readonly hasKey: boolean; readonly answer?: HttpAnswer | undefined },
  error: unknown,
): unknown {
  const isOutage = answer !== undefined && (answer.status >= 500 || answer.status === 429);
  const page = answer === undefined || isOutage ? undefined : webPageIn(answer);
  if (page !== undefined) {
    const found = `answered ${answer?.status} with ${page}`;
    const isRefusal = answer?.status === 401 || answer?.status === 403;
    return isRefusal ? unauthorized(action, `the API ${found}`) : notPrefectError(action, url, `it ${found}`);
  }
  if (error instanceof ClientError) {
    const found = responseError(action, error.response);
    return found.failure === "unauthorized" && !hasKey ? noKeyError(action, found) : found;
  }
  if (error instanceof TransportError) {
    const address = "check the URL with --api or PREFECT__CLOUD__API";
    return unreachableError(
      action,
      { url, address, authorities: "SSL_CERT_FILE or REQUESTS_CA_BUNDLE" },
      error,
    );
  }
  // The answer is no JSON, or not in GraphQL's form; the library's message quotes it and is never shown.
  const isUnreadable =
    error instanceof SyntaxError ||
    (error instanceof Error && error.message.startsWith("Invalid execution result"));
  return isUnreadable ? notPrefectError(action, url) : error;
}

/** The answer has another form than a Prefect API's. */
export function notPrefectError(action: string, url: string, why?: string): PrefectError {
  const what = why === undefined ? "" : `: ${why}`;
  return new PrefectError(action, `${redactUrl(url)} is not a Prefect API${what}`, {
    failure: "unreadable",
    hint: "check the URL: use the API's URL, not the UI's",
  });
}

function responseError(action: string, { errors, status, headers }: ClientError["response"]): PrefectError {
  const found = arrayIn(errors).map(objectIn);
  if (found.length > 0) return graphqlError(action, found);
  if (status === 401 || status === 403) return unauthorized(action, `the API answered ${status}`);
  return new PrefectError(action, `the API answered ${status}`, {
    failure: status === 429 || status >= 500 ? "overloaded" : "refused",
    retryAfterMs: retryAfterMs({
      "retry-after": headers.get("retry-after") ?? undefined,
      date: headers.get("date") ?? undefined,
    }),
  });
}

function graphqlError(action: string, errors: readonly Readonly<Record<string, unknown>>[]): PrefectError {
  const messages = errors.map((error) => textIn(error["message"]) ?? "unknown error");
  const codes = errors.map((error) => textIn(objectIn(error["extensions"])["code"]) ?? "");
  const text = [...new Set(messages)].join("; ");
  if (codes.includes("UNAUTHENTICATED") || /UNAUTHENTICATED|Malformed Authorization header/.test(text)) {
    return unauthorized(action, `the API does not accept the key (${text})`);
  }
  if (codes.includes("VERSION_LOCKING_ERROR") || text.includes("State update failed")) {
    return new PrefectError(action, text, { failure: "locked" });
  }
  if (/violates foreign key constraint "\w*tenant_id_fkey"/.test(text)) {
    return new PrefectError(action, text, {
      failure: "refused",
      hint: "check --tenant-id: the API has no such tenant",
    });
  }
  if (codes.includes("API_ERROR")) return new PrefectError(action, text, { failure: "overloaded" });
  return new PrefectError(action, text, { failure: "refused" });
}

function noKeyError(action: string, cause: PrefectError): PrefectError {
  return new PrefectError(action, "no API key is set", {
    failure: "unauthorized",
    cause,
    hint: "set it with --key, PREFECT__CLOUD__API_KEY or: prefect auth login --key KEY",
  });
}

function unauthorized(action: string, detail: string): PrefectError {
  return new PrefectError(action, detail, {
    failure: "unauthorized",
    hint: "check the API key: --key, PREFECT__CLOUD__API_KEY or auth.toml",
  });
}
