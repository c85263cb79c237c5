// The sockets around a fake: it listens, reads requests and sends what the fake's handler answers. The fakes themselves know
// no sockets, so that a simulation can call their handlers directly.

import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CERTIFICATE, PRIVATE_KEY } from "./certificate.ts";
import { ExpectedError, textOf } from "../../src/base/errors.ts";

export interface FakeRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Aborts when the client has left. */
  readonly left: AbortSignal;
}

/** A response that is sent at once. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A response that goes on, such as a watch: `start` gets the stream to write to. */
export interface StreamedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly start: (stream: ResponseStream) => void;
}

export interface ResponseStream {
  write(data: string | Buffer): void;
  end(): void;
  /** Breaks the connection off. */
  destroy(): void;
  onClose(callback: () => void): void;
  /** Bytes that the client has not read. */
  readonly writableLength: number;
}

/** `cut`: no response, the connection is broken off. */
export type FakeResponse = WholeResponse | StreamedResponse | "cut";
export type Handler = (request: FakeRequest) => Promise<FakeResponse>;

/** Longer than a client's idle time, so that a reused connection is not closed under a request. */
const KEEP_ALIVE_MS = 75_000;

/** A server on one address that may be opened and closed any number of times; its data lives elsewhere. */
export class HttpServer {
  readonly #handler: Handler;
  readonly #host: string;
  readonly #tls: boolean;
  #port: number;
  #server: Server | undefined;

  /** Port 0 is any free one. `tls`: with the certificate of certificate.ts. */
  constructor(
    handler: Handler,
    { host, port, tls = false }: { readonly host: string; readonly port: number; readonly tls?: boolean },
  ) {
    this.#handler = handler;
    this.#tls = tls;
    this.#host = host;
    this.#port = port;
  }

  /** The port; once it listens, the one that it got. */
  get port(): number {
    return this.#port;
  }

  /** The address as this machine reaches it, without a slash at the end. */
  get url(): string {
    const host = this.#host === "0.0.0.0" ? "127.0.0.1" : this.#host;
    return `${this.#tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.#port}`;
  }

  /** Listens; the second time on the port of the first. Throws ExpectedError when the address cannot be had. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(incoming, response);
    };
    const server = this.#tls
      ? createTlsServer({ keepAliveTimeout: KEEP_ALIVE_MS, cert: CERTIFICATE, key: PRIVATE_KEY }, answer)
      : createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, answer);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        const message = `cannot listen on "${this.#host}:${this.#port}": ${textOf(error)}`;
        const hint = "choose another port, or 0 for any free one";
        reject(new ExpectedError(message, { cause: error, hint }));
      });
      server.listen(this.#port, this.#host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections and cuts those that are open. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once("close", () => left.abort());
    try {
      const answer = await this.#handler({
        method: incoming.method ?? "GET",
        path: incoming.url ?? "/",
        headers: incoming.headers,
        body: await textOfBody(incoming),
        left: left.signal,
      });
      send(response, answer);
    } catch {
      // The client has left, or a test's hook threw: nobody waits for an answer.
      response.destroy();
    }
  }
}

function send(response: ServerResponse, answer: FakeResponse): void {
  if (answer === "cut") {
    response.destroy();
    return;
  }
  if ("start" in answer) {
    response.writeHead(answer.status, answer.headers);
    response.flushHeaders();
    answer.start({
      write: (data) => void response.write(data),
      end: () => void response.end(),
      destroy: () => void response.destroy(),
      onClose: (callback) => void response.once("close", callback),
      get writableLength() {
        return response.writableLength;
      },
    });
    return;
  }
  const { status, headers, body } = answer;
  const length = status === 204 ? {} : { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length });
  response.end(status === 204 ? undefined : body);
}

async function textOfBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
