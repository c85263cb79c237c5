// Turns error responses and failed connections into PrefectError. The order of the rules is that of Core 1.4.1's client.

import { PrefectError } from "../orchestrator/errors.ts";
import type { HttpAnswer } from "../http/exchange.ts";
import { TransportError } from "../http/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../base/json.ts";
import { redactUrl } from "../base/redact-url.ts";

/** The error for a failed connection; other errors are returned unchanged. */
export function prefectConnectionError(action: string, url: string, error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  return new PrefectError(action, `${redactUrl(url)}: ${error.message}`, {
    failure: "unreachable",
    cause: error,
    hint: "check the URL in --api or PREFECT__CLOUD__API",
  });
}

/** The data of a GraphQL response. Throws PrefectError for any kind of error. */
export function dataOf(action: string, url: string, answer: HttpAnswer): Readonly<Record<string, unknown>> {
  const body = parse(answer.body);
  const errors = arrayIn(body?.["errors"]).map(objectIn);
  if (errors.length > 0) throw graphqlError(action, errors);
  if (answer.status === 401 || answer.status === 403)
    throw unauthorized(action, `the API answered ${answer.status}`);
  if (answer.status >= 400) throw httpError(action, answer);
  if (body === undefined || !isObject(body["data"])) {
    throw new PrefectError(action, `${redactUrl(url)} is not a Prefect API`, {
      failure: "unreadable",
      hint: "check the URL: use the API's URL, not the UI's",
    });
  }
  return body["data"];
}

function graphqlError(action: string, errors: readonly Readonly<Record<string, unknown>>[]): PrefectError {
  const messages = errors.map((error) => textIn(error["message"]) ?? "unknown error");
  const codes = errors.map((error) => textIn(objectIn(error["extensions"])["code"]) ?? "");
  const text = [...new Set(messages)].join("; ");
  if (codes.includes("UNAUTHENTICATED") || /UNAUTHENTICATED|Malformed Authorization header/.test(text)) {
    return unauthorized(action, text);
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

function httpError(action: string, answer: HttpAnswer): PrefectError {
  const retryAfter = Number(answer.headers["retry-after"]);
  const overloaded = answer.status === 429 || answer.status >= 500;
  return new PrefectError(action, `the API answered ${answer.status}`, {
    failure: overloaded ? "overloaded" : "refused",
    retryAfterMs: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1_000 : undefined,
  });
}

function unauthorized(action: string, detail: string): PrefectError {
  return new PrefectError(action, detail, {
    failure: "unauthorized",
    hint: "check the API key: --key, PREFECT__CLOUD__API_KEY or auth.toml",
  });
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
