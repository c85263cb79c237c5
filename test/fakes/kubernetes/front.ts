// A request to the fake API server, from its arrival to its response: who asks, hooks, faults, then the API itself.

import { aborted } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { textOf } from "../../../src/base/errors.ts";
import type { FakeRequest, FakeResponse, Handler, WholeResponse } from "../http-server.ts";
import { refused } from "./answer.ts";
import type { Answer, ApiRequest, ApiServer } from "./api-server.ts";
import { Failure } from "./failure.ts";
import { Faults } from "../faults.ts";
import type { ConnectionEffect } from "../faults.ts";
import { RequestLog } from "./request-log.ts";
import type { RequestRecord } from "./request-log.ts";
import { ruleName, targetOf } from "./target.ts";

/** Told of each request before it has an effect, and again after, before its response is sent. It is awaited. */
export type OnRequest = (request: RequestRecord, moment: "before" | "after") => Promise<void> | void;

/** What can go wrong with a request. `status`: the answer in place of its own; nothing is done. */
export type FaultEffect =
  | ConnectionEffect
  | {
      readonly kind: "status";
      readonly status: number;
      readonly retryAfterSeconds?: number;
      readonly message?: string;
    };

export class Front {
  readonly faults = new Faults<RequestRecord, FaultEffect>();
  readonly requests = new RequestLog(20_000);
  readonly #api: ApiServer;
  readonly #clock: Clock;
  onRequest: OnRequest | undefined;

  constructor(api: ApiServer, clock: Clock, onRequest: OnRequest | undefined) {
    this.#api = api;
    this.#clock = clock;
    this.onRequest = onRequest;
  }

  readonly handle: Handler = async ({ method, path, headers, body, left }) => {
    const url = new URL(path, "http://fake");
    const target = targetOf(method, url);
    const { user, refusal } = this.#userOf(headers);
    const record: RequestRecord = {
      method,
      path: url.pathname,
      query: url.search.slice(1),
      verb: target?.verb ?? "",
      resource: target === undefined ? "" : ruleName(target),
      namespace: target?.namespace ?? "",
      name: target?.name ?? "",
      user,
      status: 0,
    };
    this.requests.add(record);
    const effects = this.faults.strike(record);
    await this.onRequest?.(record, "before");
    const instead = await this.#insteadOf(effects, left);
    if (instead !== undefined) {
      if (instead !== "cut") record.status = instead.status;
      return instead;
    }
    const contentType = headers["content-type"] ?? "";
    const answer = refusal ?? answerOf(this.#api, { method, url, target, user, contentType, body });
    await this.onRequest?.(record, "after");
    // Those "before" have ended the request already.
    const broken = effects.find(isBroken);
    if (broken !== undefined) return this.#breakOff(broken, left);
    record.status = answer.status;
    return answer;
  };

  #userOf(headers: FakeRequest["headers"]): { readonly user: string; readonly refusal?: WholeResponse } {
    try {
      return { user: this.#api.access.userOf(headers) };
    } catch (error) {
      return { user: "", refusal: refusalOf(error) };
    }
  }

  /** The response of faults that strike before the request has an effect. */
  async #insteadOf(
    effects: readonly FaultEffect[],
    left: AbortSignal,
  ): Promise<WholeResponse | "cut" | undefined> {
    for (const effect of effects) {
      if (effect.kind === "status") return refused(failureOf(effect));
      if (effect.kind === "delay") await this.#clock.sleep(effect.ms, this.faults.released);
      else if (effect.when === "before") return this.#breakOff(effect, left);
    }
    return undefined;
  }

  /** A hanging request stays open until the faults are cleared or the client leaves. */
  async #breakOff({ kind }: FaultEffect, left: AbortSignal): Promise<FakeResponse & "cut"> {
    if (kind === "hang") await aborted(AbortSignal.any([this.faults.released, left]));
    return "cut";
  }
}

function isBroken({ kind }: FaultEffect): boolean {
  return kind === "cut" || kind === "hang";
}

function answerOf(api: ApiServer, request: ApiRequest): Answer {
  try {
    return api.answer(request);
  } catch (error) {
    return refusalOf(error);
  }
}

/** The answer for whatever was thrown; what is no Failure is a defect of the fake, told as the server tells its own. */
function refusalOf(error: unknown): WholeResponse {
  if (error instanceof Failure) return refused(error);
  const message = `Internal error occurred: ${textOf(error)}`;
  return refused(new Failure(message, { code: 500, reason: "InternalError" }));
}

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function failureOf(action: Extract<FaultEffect, { readonly kind: "status" }>): Failure {
  const reason = REASONS[action.status] ?? "Unknown";
  const { retryAfterSeconds } = action;
  return new Failure(action.message ?? `the fake was told to answer ${action.status}`, {
    code: action.status,
    reason,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds, details: { retryAfterSeconds } }),
  });
}
