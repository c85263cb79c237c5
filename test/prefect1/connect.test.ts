// Prefect 1 behind private authorities, proxies and access proxies.

import { describe, expect, it, onTestFinished } from "vitest";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { place, stopAll } from "../http/servers.ts";
import { startHttpProxy } from "../support/proxies.ts";
import { startTlsServer } from "../support/tls-server.ts";

const ANSWER = '{"data": {"tenant": [{"id": "11111111-2222-4333-8444-555555555555", "slug": "x"}]}}';

describe("a Prefect 1 API behind a private authority", () => {
  it.each(["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])("is trusted by %s", async (variable) => {
    const server = await startTlsServer((_, response) => void response.end(ANSWER));
    onTestFinished(() => server.stop());
    const readFile = (path: string): string | undefined =>
      path === "/ca.crt" ? server.certificate : undefined;
    const target = { url: server.url, backend: "server", timeoutMs: 5_000 };
    const trusted = connectPrefect(target, { env: { [variable]: "/ca.crt" }, readFile });
    onTestFinished(() => trusted.close());
    await trusted.tenantId();
    expect(server.asked).toHaveLength(1);
    const untrusted = connectPrefect(target, { env: {} });
    onTestFinished(() => untrusted.close());
    await expect(untrusted.tenantId()).rejects.toMatchObject({
      hint: "name the CA's file in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
    });
  });
});

describe("a proxy of the environment", () => {
  it("carries requests to Prefect, unless NO_PROXY exempts the address", async () => {
    onTestFinished(stopAll);
    const { url } = await place((_, response) => response.end(ANSWER));
    const proxy = await startHttpProxy();
    onTestFinished(() => proxy.stop());
    const target = { url: url.href, backend: "server", timeoutMs: 5_000 };
    for (const env of [
      { ALL_PROXY: `http://${proxy.host}` },
      { HTTP_PROXY: "http://127.0.0.1:9", NO_PROXY: "127.0.0.0/8" },
    ]) {
      const api = connectPrefect(target, { env });
      await api.tenantId();
      api.close();
    }
    expect(proxy.asked).toEqual([url.host]);
  });
});

describe.each([307, 308])("a redirect with %i", (status) => {
  const redirect = async (locationOf: (path: string) => string): Promise<string> => {
    const { url } = await place((request, response) =>
      response.writeHead(status, { location: locationOf(request.url ?? "") }).end(),
    );
    return url.href;
  };
  const tenantAt = async (url: string, env: NodeJS.ProcessEnv = {}, files: Record<string, string> = {}) => {
    const readFile = (path: string): string | undefined => files[path];
    const target = { url, apiKey: "key-1", backend: "server", timeoutMs: 5_000 };
    const api = connectPrefect(target, { env, readFile });
    onTestFinished(() => api.close());
    return api.tenantId();
  };

  it("to https on the same host is followed with method, body and key", async () => {
    onTestFinished(stopAll);
    const seen: unknown[] = [];
    const server = await startTlsServer(({ method, headers }, response) => {
      seen.push([method, headers.authorization, headers["content-length"] !== "0"]);
      response.end(ANSWER);
    });
    onTestFinished(() => server.stop());
    const url = await redirect((path) => new URL(path, server.url).href);
    const env = { SSL_CERT_FILE: "/ca.crt" };
    expect(await tenantAt(`${url}graphql`, env, { "/ca.crt": server.certificate })).toBeDefined();
    expect(server.asked).toEqual(["/graphql"]);
    expect(seen).toEqual([["POST", "Bearer key-1", true]]);
  });

  it("to another host, which may not see the key, is told", async () => {
    onTestFinished(stopAll);
    const seen: unknown[] = [];
    const other = await place(({ url }, response) => {
      seen.push(url);
      response.end(ANSWER);
    });
    other.url.hostname = "localhost";
    await expect(tenantAt(await redirect(() => other.url.href))).rejects.toThrow(
      `it answered ${status} with a redirect to ${other.url.href}`,
    );
    expect(seen).toEqual([]);
  });

  it("from https to http, where the key could be read, is told", async () => {
    const server = await startTlsServer((_, response) =>
      response.writeHead(status, { location: "http://127.0.0.1:9/" }).end(),
    );
    onTestFinished(() => server.stop());
    const tenant = tenantAt(server.url, { SSL_CERT_FILE: "/ca.crt" }, { "/ca.crt": server.certificate });
    await expect(tenant).rejects.toThrow("a redirect to http://127.0.0.1:9/");
  });

  it("in a circle is told", async () => {
    onTestFinished(stopAll);
    await expect(tenantAt(await redirect((path) => path))).rejects.toThrow(
      `it answered ${status} with a redirect`,
    );
  });
});

describe("an answer of something before Prefect", () => {
  const html = { "content-type": "text/html" };
  const page = "a web page, perhaps one to sign in";
  const location = "https://login.corp/?state=s";

  it.each([
    {
      status: 302,
      headers: { location },
      says: "it answered 302 with a redirect to https://login.corp/, perhaps a page to sign in",
      failure: "unreadable",
    },
    { status: 200, headers: html, says: `it answered 200 with ${page}`, failure: "unreadable" },
    { status: 404, headers: html, says: `it answered 404 with ${page}`, failure: "unreadable" },
    { status: 403, headers: html, says: `the API answered 403 with ${page}`, failure: "unauthorized" },
    { status: 502, headers: html, says: "the API answered 502", failure: "overloaded" },
  ])("with status $status is called what it is: $failure", async ({ status, headers, says, failure }) => {
    onTestFinished(stopAll);
    const { url } = await place((_, response) =>
      response.writeHead(status, headers).end("<html>hunter2</html>"),
    );
    const api = connectPrefect({ url: url.href, backend: "server", timeoutMs: 5_000 }, { env: {} });
    onTestFinished(() => api.close());
    await expect(api.tenantId()).rejects.toMatchObject({ message: expect.stringContaining(says), failure });
  });
});
