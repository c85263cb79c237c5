// The sockets of the fake: listens, reads requests, lets faults strike, sends answers.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/base/clock.ts";
import { ExpectedError, textOf } from "../../../src/base/errors.ts";
import { refused, send } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { ApiRequest, ApiServer } from "./api-server.ts";
import { Failure } from "./failure.ts";
import { Faults } from "./faults.ts";
import type { FaultAction } from "./faults.ts";
import { RequestLog } from "./request-log.ts";
import type { RequestRecord } from "./request-log.ts";
import { ruleName, targetOf } from "./target.ts";

/** Told of each request before it has an effect, and again after, before its answer is sent. It may take its time. */
export type OnRequest = (request: RequestRecord, moment: "before" | "after") => Promise<void> | void;

/** Where to listen, and who is told. */
export interface FrontOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly onRequest: OnRequest | undefined;
}

/** The HTTP side of the fake. */
export class HttpFront {
  readonly faults = new Faults();
  readonly requests = new RequestLog(20_000);
  readonly #api: ApiServer;
  readonly #options: FrontOptions;
  #onRequest: OnRequest | undefined;
  #server: Server | undefined;
  #port: number;

  constructor(api: ApiServer, options: FrontOptions) {
    this.#api = api;
    this.#options = options;
    this.#onRequest = options.onRequest;
    this.#port = options.port;
  }

  get url(): string {
    const { host } = this.#options;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.#port}`;
  }

  set onRequest(hook: OnRequest | undefined) {
    this.#onRequest = hook;
  }

  /** Takes connections. Throws ExpectedError when the address cannot be had. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#handle(request, response);
    });
    const { host } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        const cause = `cannot listen on "${host}:${this.#port}": ${textOf(error)}`;
        reject(
          new ExpectedError(cause, { cause: error, hint: "choose another port, or 0 for any free one" }),
        );
      });
      server.listen(this.#port, host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections and cuts those that are open. `listen` takes the same port again. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await textOfBody(incoming);
      await this.#respond(incoming, body, response);
    } catch {
      // The client has gone, or a hook threw: nobody is left to answer.
      response.destroy();
    }
  }

  async #respond(incoming: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "http://fake");
    const method = incoming.method ?? "GET";
    const target = targetOf(method, url);
    const { user, refusal } = this.#userOf(incoming);
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
    const struck = this.faults.strike(record);
    await this.#onRequest?.(record, "before");
    if (await this.#struckBefore(struck, record, response)) return;
    const contentType = incoming.headers["content-type"] ?? "";
    const request = { method, url, target, user, contentType, body };
    const answer = refusal ?? answerOf(this.#api, request);
    await this.#onRequest?.(record, "after");
    if (await this.#struckAfter(struck, response)) return;
    record.status = answer.status;
    send(response, answer);
  }

  #userOf(incoming: IncomingMessage): { readonly user: string; readonly refusal?: Answer } {
    try {
      return { user: this.#api.access.userOf(incoming.headers) };
    } catch (error) {
      return { user: "", refusal: refusalOf(error) };
    }
  }

  /** Whether a fault has taken the request before its effect. */
  async #struckBefore(
    action: FaultAction | undefined,
    record: RequestRecord,
    response: ServerResponse,
  ): Promise<boolean> {
    if (action === undefined) return false;
    if (action.kind === "delay") {
      await this.#options.clock.sleep(action.ms, this.faults.released);
      return false;
    }
    if (action.kind === "answer") {
      record.status = action.status;
      send(response, refused(failureOf(action)));
      return true;
    }
    return action.when === "before" && this.#breakOff(action, response);
  }

  async #struckAfter(action: FaultAction | undefined, response: ServerResponse): Promise<boolean> {
    if (action?.kind !== "cut" && action?.kind !== "hang") return false;
    return action.when === "after" && this.#breakOff(action, response);
  }

  async #breakOff(action: FaultAction, response: ServerResponse): Promise<boolean> {
    if (action.kind === "hang") await untilAborted(this.faults.released, response);
    response.destroy();
    return true;
  }
}

/** Waits for the signal, or for the client to leave. */
function untilAborted(signal: AbortSignal, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    response.once("close", resolve);
  });
}

async function textOfBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function answerOf(api: ApiServer, request: ApiRequest): Answer {
  try {
    return api.answer(request);
  } catch (error) {
    return refusalOf(error);
  }
}

/** The answer for whatever was thrown; what is no Failure is a defect of the fake, told as the server tells its own. */
function refusalOf(error: unknown): Answer {
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

function failureOf(action: Extract<FaultAction, { readonly kind: "answer" }>): Failure {
  const reason = REASONS[action.status] ?? "Unknown";
  const { retryAfterSeconds } = action;
  return new Failure(action.message ?? `the fake was told to answer ${action.status}`, {
    code: action.status,
    reason,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds, details: { retryAfterSeconds } }),
  });
}
