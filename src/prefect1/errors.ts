// Turns error responses and failed connections into PrefectError. The order of the rules is that of Core 1.4.1's client.

import { ClientError } from "graphql-request";
import {
  answerError,
  notPrefectError,
  PrefectError,
  unreachableError,
  type PrefectApi,
} from "../orchestrator/errors.ts";
import { TransportError } from "../http/errors.ts";
import type { HttpAnswer } from "../http/exchange.ts";
import { webPageIn } from "../http/web-page.ts";
import { arrayIn, objectIn, textIn, type JsonObject } from "../base/json.ts";

/** What the errors of a Prefect 1 API advise. */
export const HINTS = {
  address: "check the URL with --api or PREFECT__CLOUD__API",
  authorities: "SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
  key: "check the API key: --key, PREFECT__CLOUD__API_KEY or auth.toml",
  notApi: "check the URL: use the API's URL, not the UI's",
};

/** Statuses that decide whatever the body says. With 400 and 500 GraphQL's servers send errors of their own. */
const OF_GATEWAYS = new Set([401, 403, 429, 502, 503, 504]);

/** What is known of a request that failed. `hasKey`: an API key was sent. */
interface Failed {
  readonly url: string;
  readonly hasKey: boolean;
  readonly answer?: HttpAnswer | undefined;
}

/** The PrefectError for what a request failed with; an abort and bugs stay what they are. */
export function prefectError(action: string, { url, hasKey, answer }: Failed, error: unknown): unknown {
  const api = { ...HINTS, url };
  const errors = error instanceof ClientError ? arrayIn(error.response.errors).map(objectIn) : [];
  const isGraphql = errors.length > 0 && !OF_GATEWAYS.has(answer?.status ?? 0);
  const failure = isGraphql ? graphqlError(action, errors) : answer && withoutErrors(action, api, answer);
  if (failure !== undefined) {
    const isPage = answer !== undefined && webPageIn(answer) !== undefined;
    return failure.failure === "unauthorized" && !hasKey && !isPage ? noKeyError(action, failure) : failure;
  }
  if (error instanceof TransportError) return unreachableError(action, api, error);
  // The answer is no JSON, or not in GraphQL's form; the library's message quotes it and is never shown.
  const isUnreadable =
    error instanceof SyntaxError ||
    (error instanceof Error && error.message.startsWith("Invalid execution result"));
  return isUnreadable ? notPrefectError(action, api) : error;
}

/**
 * The error for an answer without GraphQL's errors. What stands before the API refuses nothing for good, such as with 404; only a
 * request that is too large stays so.
 */
function withoutErrors(action: string, api: PrefectApi, answer: HttpAnswer): PrefectError | undefined {
  const failure = answerError(action, api, answer);
  const isRefused = failure?.failure === "refused" && answer.status !== 413;
  return isRefused ? notPrefectError(action, api, `it answered ${answer.status}`) : failure;
}

/** What the API's gateway and server say of each other and of their database; only some have the code (prefect#4738). */
const INNER_OUTAGE =
  /Name or service not known|name resolution|connection (?:refused|reset|error|attempts failed)|ECONN|ENOTFOUND|EAI_AGAIN|timed? ?out|Server disconnected|internal API error|Unable to complete operation|database query error/i;

function graphqlError(action: string, errors: readonly JsonObject[]): PrefectError {
  const messages = errors.map((error) => textIn(error["message"]) ?? "unknown error");
  const codes = errors.map((error) => textIn(objectIn(error["extensions"])["code"]) ?? "");
  const text = [...new Set(messages)].join("; ");
  if (codes.includes("UNAUTHENTICATED") || /UNAUTHENTICATED|Malformed Authorization header/.test(text)) {
    const detail = `the API does not accept the key (${text})`;
    return new PrefectError(action, detail, { failure: "unauthorized", hint: HINTS.key });
  }
  if (codes.includes("VERSION_LOCKING_ERROR") || text.includes("State update failed"))
    return new PrefectError(action, text, { failure: "locked" });
  if (/violates foreign key constraint "\w*tenant_id_fkey"/.test(text)) {
    const hint = "check --tenant-id: the API has no such tenant";
    return new PrefectError(action, text, { failure: "refused", hint });
  }
  const isPassing = codes.includes("API_ERROR") || text === "" || INNER_OUTAGE.test(text);
  return new PrefectError(action, text, { failure: isPassing ? "overloaded" : "refused" });
}

function noKeyError(action: string, cause: PrefectError): PrefectError {
  return new PrefectError(action, "no API key is set", {
    failure: "unauthorized",
    cause,
    hint: "set it with --key, PREFECT__CLOUD__API_KEY or: prefect auth login --key KEY",
  });
}
