// Requests through proxies.

import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpClient } from "../../src/http/client.ts";
import { trustedAuthorities } from "../../src/http/environment.ts";
import { parseProxy } from "../../src/http/proxy.ts";
import { startHttpProxy, startHttpsProxy, startSocksProxy } from "../support/proxies.ts";
import type { ProxyRules, RecordingProxy } from "../support/proxies.ts";
import { CERTIFICATE } from "../fakes/certificate.ts";
import { startTlsServer } from "../support/tls-server.ts";
import { asking, bareServer, clientOf, ends, place, stopAll } from "./servers.ts";

afterEach(stopAll);

const KINDS = [
  { kind: "http", start: startHttpProxy },
  { kind: "https", start: startHttpsProxy },
  { kind: "socks5", start: startSocksProxy },
];

async function started(
  start: (rules?: ProxyRules) => Promise<RecordingProxy>,
  rules: ProxyRules = {},
): Promise<RecordingProxy> {
  const proxy = await start(rules);
  ends.push(() => proxy.stop());
  return proxy;
}

/** A server with TLS behind a name that only the proxy can resolve, and the way there. */
async function tlsServer(start: typeof startHttpProxy, rules: ProxyRules = {}) {
  const server = await startTlsServer((_, response) => void response.end("ok"));
  ends.push(() => server.stop());
  const target = Number(new URL(server.url).port);
  const proxy = await started(start, { ...rules, target });
  const url = new URL(`https://apiserver.internal:${target}/`);
  const client = (proxyUrl: string): HttpClient =>
    clientOf(url, {
      proxy: parseProxy(proxyUrl, "HTTPS_PROXY"),
      tls: { ca: server.certificate, servername: "127.0.0.1" },
    });
  return { proxy, url, client };
}

describe.each(KINDS)("an $kind proxy", ({ kind, start }) => {
  it("is asked for the server by name, and carries TLS over one kept connection", async () => {
    const { proxy, url, client } = await tlsServer(start);
    const own = client(`${kind}://${proxy.host}`);
    expect((await own.request(asking(url))).body).toBe("ok");
    expect((await own.request(asking(url))).body).toBe("ok");
    expect(proxy.asked).toEqual([`apiserver.internal:${url.port}`]);
  });

  it("that says nothing holds no request, and no connection, beyond its deadline", async () => {
    const { url: silent, sockets } = await bareServer(() => undefined);
    const proxy = parseProxy(`${kind}://${silent.host}`, "HTTPS_PROXY");
    const url = new URL("https://apiserver.internal/");
    const asked = clientOf(url, { proxy }).request(asking(url, { timeoutMs: 500 }));
    await expect(asked).rejects.toMatchObject({ message: "no answer within 0.5 s" });
    for (const socket of sockets) if (!socket.closed) await once(socket, "close");
    expect(sockets).toHaveLength(1);
  });

  it("carries streams", async () => {
    const { proxy, url, client } = await tlsServer(start);
    const stream = await client(`${kind}://${proxy.host}`).stream({ ...asking(url), idleMs: 0 });
    const chunks: Buffer[] = [];
    for await (const chunk of stream.chunks) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("ok");
  });

  it("gets the user and the decoded password of its URL", async () => {
    const { proxy, url, client } = await tlsServer(start, { demands: "kim:p@ss w0rd!" });
    expect((await client(`${kind}://kim:p%40ss%20w0rd%21@${proxy.host}`).request(asking(url))).body).toBe(
      "ok",
    );
    expect(proxy.users).toEqual(["kim:p@ss w0rd!"]);
  });

  it("is named when it refuses the password, and the password is not", async () => {
    const { proxy, url, client } = await tlsServer(start, { demands: "kim:right" });
    const answer = client(`${kind}://kim:hunter2@${proxy.host}`).request(asking(url));
    const why = kind === "socks5" ? "Socks5 Authentication failed" : "answered 407";
    await expect(answer).rejects.toThrow(`proxy ${kind}://${proxy.host} (HTTPS_PROXY)`);
    await expect(answer).rejects.toThrow(why);
    await expect(answer).rejects.not.toThrow(/hunter2/);
  });

  it("is named when nobody listens there", async () => {
    const { proxy, url, client } = await tlsServer(start);
    await proxy.stop();
    ends.splice(1, 1);
    await expect(client(`${kind}://${proxy.host}`).request(asking(url))).rejects.toMatchObject({
      name: "TransportError",
      message: `proxy ${kind}://${proxy.host} (HTTPS_PROXY): connection refused`,
    });
  });

  it("carries requests without TLS", async () => {
    const { url } = await place((_, response) => response.end("plain"));
    const proxy = await started(start);
    const client = clientOf(url, {
      proxy: parseProxy(`${kind}://${proxy.host}`, "HTTP_PROXY"),
      tls: { ca: CERTIFICATE },
    });
    expect((await client.request(asking(url))).body).toBe("plain");
    expect(proxy.asked).toEqual([url.host]);
  });
});

it("an https proxy's authorities are not trusted for other servers", async () => {
  const { client } = await tlsServer(startHttpsProxy);
  client("https://127.0.0.1:1");
  expect(trustedAuthorities([], { env: {} })).not.toContain(CERTIFICATE);
});

describe("a request without TLS", () => {
  it("fails with the 407 of its proxy, not with an answer", async () => {
    const { url } = await place((_, response) => response.end("plain"));
    const proxy = await started(startHttpProxy, { demands: "kim:right" });
    const client = clientOf(url, { proxy: parseProxy(`http://kim:hunter2@${proxy.host}`, "HTTP_PROXY") });
    await expect(client.request(asking(url))).rejects.toThrow(
      `proxy http://${proxy.host} (HTTP_PROXY) answered 407: it does not accept the user and password of its URL`,
    );
  });
});
