// Proxies on 127.0.0.1 that record what they are asked for, and who asks.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { CERTIFICATE, PRIVATE_KEY } from "../fakes/certificate.ts";

export interface RecordingProxy {
  /** Without a protocol: `127.0.0.1:PORT`. */
  readonly host: string;
  /** The places that it was asked to connect to, such as `127.0.0.1:6443`. */
  readonly asked: readonly string[];
  /** `user:password` of each request; undefined without. */
  readonly users: readonly (string | undefined)[];
  stop(): Promise<void>;
}

export interface ProxyRules {
  /** `user:password` that it demands. */
  readonly demands?: string;
  /** The port that it connects to, whatever it is asked for. */
  readonly target?: number;
  /** The address that it connects to; 127.0.0.1 without it. */
  readonly host?: string;
}

/** An HTTP proxy, for CONNECT and for whole URLs. */
export function startHttpProxy(rules: ProxyRules = {}): Promise<RecordingProxy> {
  return httpProxy(http.createServer(), rules);
}

/** The same, reached by TLS with the certificate of the fakes. */
export function startHttpsProxy(rules: ProxyRules = {}): Promise<RecordingProxy> {
  return httpProxy(https.createServer({ cert: CERTIFICATE, key: PRIVATE_KEY }), rules);
}

async function httpProxy(server: http.Server, rules: ProxyRules): Promise<RecordingProxy> {
  const [asked, users]: [string[], (string | undefined)[]] = [[], []];
  const isAdmitted = (headers: http.IncomingHttpHeaders, place: string): boolean => {
    const [, base64 = ""] = /^Basic (.*)$/.exec(headers["proxy-authorization"] ?? "") ?? [];
    const user = base64 === "" ? undefined : Buffer.from(base64, "base64").toString("utf8");
    asked.push(place);
    users.push(user);
    return rules.demands === undefined || rules.demands === user;
  };
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = new URL(request.url ?? "");
    if (!isAdmitted(request.headers, url.host)) return void response.writeHead(407).end();
    const onward = http.request(url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: http.IncomingMessage, socket: net.Socket) => {
    const place = request.url ?? "";
    socket.on("error", () => undefined);
    if (!isAdmitted(request.headers, place)) {
      return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    }
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    join(socket, place, rules);
  });
  return listening(server, { asked, users });
}

/** A SOCKS5 proxy (RFC 1928 and 1929). */
export async function startSocksProxy(rules: ProxyRules = {}): Promise<RecordingProxy> {
  const [asked, users]: [string[], (string | undefined)[]] = [[], []];
  const server = net.createServer((socket) => {
    let step: "greeting" | "password" | "request" = "greeting";
    socket.on("error", () => undefined);
    socket.on("data", function serve(bytes: Buffer) {
      if (step === "greeting") {
        const wantsPassword = rules.demands !== undefined;
        step = wantsPassword ? "password" : "request";
        if (!wantsPassword) users.push(undefined);
        socket.write(Buffer.from([5, wantsPassword ? 2 : 0]));
      } else if (step === "password") {
        const length = bytes[1] ?? 0;
        const user = `${bytes.toString("utf8", 2, 2 + length)}:${bytes.toString("utf8", 3 + length)}`;
        users.push(user);
        step = "request";
        socket.write(Buffer.from([1, user === rules.demands ? 0 : 1]));
      } else {
        socket.off("data", serve);
        const place = placeIn(bytes);
        asked.push(place);
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        join(socket, place, rules);
      }
    });
  });
  return listening(server, { asked, users });
}

function placeIn(bytes: Buffer): string {
  const port = bytes.readUInt16BE(bytes.length - 2);
  const isName = bytes[3] === 3;
  const host = isName ? bytes.toString("utf8", 5, bytes.length - 2) : [...bytes.subarray(4, 8)].join(".");
  return `${host}:${port}`;
}

function join(socket: net.Socket, place: string, { target, host = "127.0.0.1" }: ProxyRules): void {
  const onward = net.connect(target ?? Number(place.split(":").at(-1)), host);
  for (const each of [socket, onward]) each.on("error", () => undefined);
  socket.pipe(onward).pipe(socket);
  socket.on("close", () => onward.destroy());
}

async function listening(
  server: net.Server,
  seen: Pick<RecordingProxy, "asked" | "users">,
): Promise<RecordingProxy> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...seen,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
