// From request to response: hooks, faults, authorization, execution. The order is the one in which a real server
// would meet them, so that a fault "after" comes when the data has changed already.

import type { GraphQLSchema } from "graphql";
import { aborted } from "../../../src/base/clock.ts";
import { textOf } from "../../../src/base/errors.ts";
import type { ApiCall, RequestHook } from "./api-call.ts";
import type { Faults } from "../faults.ts";
import type { FaultEffect } from "./faults.ts";
import { answer, isReply } from "./graphql-call.ts";
import type { CallReader, GraphqlCall, Reply } from "./graphql-call.ts";
import type { FakeRequest, FakeResponse, WholeResponse } from "../http-server.ts";
import type { RequestLog } from "./request-log.ts";
import type { Service } from "./service.ts";
import { storedUuid } from "./uuid.ts";

/** What a request meets on its way. */
export interface Front {
  readonly service: Service;
  readonly schema: GraphQLSchema;
  readonly reader: CallReader;
  readonly log: RequestLog;
  readonly faults: Faults<ApiCall, FaultEffect>;
  readonly hooks: ReadonlySet<RequestHook>;
  /** Whether this Authorization header is good enough. */
  readonly admits: (authorization: string | undefined) => boolean;
  /** How bad ones are refused: HTTP 401, or 200 with the code UNAUTHENTICATED. */
  readonly unauthorized: "401" | "errors";
}

type Outcome = Reply | "cut" | "hang";

/** Apollo's APOLLO_API_BODY_LIMIT: 5 MB. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** Answers a request. Never rejects. */
export async function handle(front: Front, request: FakeRequest): Promise<FakeResponse> {
  const at = front.service.clock.now();
  const { path, left } = request;
  const { authorization } = request.headers;
  const headers = prefectHeaders(request);
  let call: ApiCall = { path, kind: "http", fields: [], variables: {}, headers };
  let outcome: Outcome = "cut";
  try {
    if (path === "/.well-known/apollo/server-health") outcome = { status: 200, body: { status: "pass" } };
    else {
      const read = readCall(front, request);
      if (!isReply(read)) call = { ...call, kind: read.kind, fields: read.fields, variables: read.variables };
      outcome = await decide(front, { call, read, authorization });
    }
  } catch (failure) {
    outcome = { status: 500, body: `the fake failed: ${textOf(failure)}` };
  }
  const status = typeof outcome === "string" ? 0 : outcome.status;
  const authorized = authorization !== undefined;
  front.log.add({ at, path, kind: call.kind, fields: call.fields, headers, authorized, status });
  if (outcome === "hang") await aborted(AbortSignal.any([front.faults.released, left]));
  return typeof outcome === "string" ? "cut" : responseOf(outcome, front.service.clock.now());
}

/** The headers that begin with `x-prefect`: only these reach Prefect's own service. */
function prefectHeaders({ headers }: FakeRequest): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.startsWith("x-prefect"));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

function readCall(front: Front, { method, body }: FakeRequest): GraphqlCall | Reply {
  if (method !== "POST") return { status: 400, body: "GET query missing." };
  return Buffer.byteLength(body) > MAX_BODY_BYTES
    ? { status: 413, body: "<pre>PayloadTooLargeError: request entity too large</pre>" }
    : front.reader.read(body);
}

interface Incoming {
  readonly call: ApiCall;
  readonly read: GraphqlCall | Reply;
  readonly authorization: string | undefined;
}

async function decide(front: Front, incoming: Incoming): Promise<Outcome> {
  const { call, read } = incoming;
  for (const hook of front.hooks) await hook(call, "before");
  const effects = front.faults.strike(call);
  for (const effect of effects) {
    if (effect.kind === "delay") await front.service.clock.sleep(effect.ms, front.faults.released);
    const outcome = insteadOf(effect);
    if (outcome !== undefined) return outcome;
  }
  const reply = isReply(read) ? read : await answerIfAdmitted(front, read, incoming);
  for (const hook of front.hooks) await hook(call, "after");
  for (const effect of effects) {
    // Those "before" have ended the request already.
    if (effect.kind === "cut" || effect.kind === "hang") return effect.kind;
  }
  return reply;
}

async function answerIfAdmitted(front: Front, call: GraphqlCall, incoming: Incoming): Promise<Reply> {
  if (!front.admits(incoming.authorization)) {
    if (front.unauthorized === "401") return { status: 401, body: "Unauthorized" };
    return { status: 200, body: errorsBody("AuthenticationError: Forbidden", "UNAUTHENTICATED") };
  }
  const { headers } = incoming.call;
  return answer(front.schema, call, {
    agentId: storedUuid(headers["x-prefect-agent-id"]),
    coreVersion: headers["x-prefect-core-version"],
  });
}

/** What comes in place of doing anything, if the fault is of that kind. */
function insteadOf(effect: FaultEffect): Outcome | undefined {
  switch (effect.kind) {
    case "status":
      return {
        status: effect.status,
        body: effect.body ?? `<html><body>${effect.status}</body></html>`,
        ...(effect.retryAfter === undefined ? {} : { retryAfter: effect.retryAfter }),
      };
    case "api-error":
      return {
        status: 200,
        body: errorsBody("Unable to complete operation. An internal API error occurred.", "API_ERROR"),
      };
    case "errors":
      return { status: 200, body: errorsBody(effect.message, effect.code ?? "INTERNAL_SERVER_ERROR") };
    case "not-json":
      return { status: 200, body: "<html><body>This is not the API you are looking for.</body></html>" };
    case "cut":
    case "hang":
      return effect.when === "before" ? effect.kind : undefined;
    default:
      return undefined;
  }
}

function errorsBody(message: string, code: string): Reply["body"] {
  return { data: null, errors: [{ message, extensions: { code } }] };
}

/** With the fake's own time, which may be another one than this machine's. */
function responseOf({ status, body, retryAfter }: Reply, now: Date): WholeResponse {
  const isText = typeof body === "string";
  const headers = {
    "content-type": isText ? "text/html; charset=utf-8" : "application/json; charset=utf-8",
    date: now.toUTCString(),
    ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
  };
  return { status, headers, body: isText ? body : JSON.stringify(body) };
}
