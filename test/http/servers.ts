// Servers on 127.0.0.1 that answer as a test wants, and clients of them; all end with the test.

import { once } from "node:events";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { HttpClient } from "../../src/http/client.ts";
import type { ConnectionOptions, HttpRequest, HttpStream, StreamRequest } from "../../src/http/exchange.ts";

/** What ends what a test has started. */
export const ends: (() => unknown)[] = [];

/** Stops what a test has started; for afterEach. */
export async function stopAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

export interface Place {
  readonly url: URL;
  /** Connections that were opened. */
  readonly sockets: readonly net.Socket[];
}

/** A server that answers so. */
export async function place(answer: Answer): Promise<Place> {
  const sockets: net.Socket[] = [];
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => answer(request, response, body));
  });
  server.on("connection", (socket) => sockets.push(socket));
  const url = await listening(server);
  ends.push(() => server.closeAllConnections());
  return { url, sockets };
}

/** A server that writes these bytes to whoever has asked, each connection's requests counted from 0. */
export async function bareServer(
  serve: (socket: net.Socket, request: string, at: number) => unknown,
): Promise<Place> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    let at = 0;
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => serve(socket, String(bytes), at++));
  });
  const url = await listening(server);
  ends.push(() => sockets.forEach((socket) => socket.destroy()));
  return { url, sockets };
}

/** Its address, as soon as it listens. */
export async function listening(server: net.Server): Promise<URL> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

export function clientOf(url: URL, options: ConnectionOptions = {}): HttpClient {
  const client = new HttpClient(url, options);
  ends.push(() => client.close());
  return client;
}

/** A GET, but for what is said otherwise. */
export const asking = (url: URL, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url,
  headers: {},
  timeoutMs: 10_000,
  ...more,
});

/** The same, for a stream. */
export const watching = (url: URL, more: Partial<StreamRequest> = {}): StreamRequest => ({
  ...asking(url),
  idleMs: 5_000,
  ...more,
});

export async function textOf({ chunks }: HttpStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

export async function streamed(client: HttpClient, url: URL, more?: Partial<StreamRequest>): Promise<string> {
  return textOf(await client.stream(watching(url, more)));
}
