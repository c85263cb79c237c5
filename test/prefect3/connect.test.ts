// Prefect 2 and 3 behind private authorities and access proxies.

import { systemClock } from "../../src/base/clock.ts";
import { onTestFinished, describe, expect, it } from "vitest";
import { Secrets } from "../../src/base/secrets.ts";
import { connectPrefect3 } from "../../src/prefect3/client.ts";
import type { Prefect3Target } from "../../src/prefect3/settings.ts";
import type { EnvironmentDeps } from "../../src/http/environment.ts";
import { loadPrefect3Settings } from "../../src/prefect3/settings.ts";
import { startTlsServer } from "../support/tls-server.ts";
import type { TlsServer } from "../support/tls-server.ts";
import { place, stopAll } from "../http/servers.ts";
import { startHttpProxy } from "../support/proxies.ts";

async function tlsServer(): Promise<TlsServer> {
  const server = await startTlsServer((_, response) => void response.end("[]"));
  onTestFinished(() => server.stop());
  return server;
}

async function answerOf(target: Prefect3Target, deps: EnvironmentDeps = { env: {} }): Promise<unknown> {
  const api = connectPrefect3(target, deps, { clock: systemClock, timeoutMs: 5_000 });
  onTestFinished(() => api.close());
  return api.flowRuns({});
}

const filesOf = ({ certificate }: TlsServer) => ({
  readFile: (path: string): string | undefined => (path === "/ca.crt" ? certificate : undefined),
});

describe("a Prefect 3 API behind a private authority", () => {
  it("is trusted by SSL_CERT_FILE, by PREFECT_API_SSL_CERT_FILE, and without verification", async () => {
    const server = await tlsServer();
    const url = `${server.url}/api`;
    const files = filesOf(server);
    for (const [target, env] of [
      [{ url }, { SSL_CERT_FILE: "/ca.crt" }],
      [{ url, certFile: "/ca.crt" }, {}],
      [{ url, skipVerify: true }, {}],
    ] as const) {
      await expect(answerOf(target, { env, ...files })).resolves.toEqual([]);
    }
  });

  it("is found where its http address redirects to", async () => {
    onTestFinished(stopAll);
    const server = await tlsServer();
    const { url } = await place((request, response) =>
      response.writeHead(308, { location: `${server.url}${request.url}` }).end(),
    );
    const target = { url: `${url.href}api`, certFile: "/ca.crt" };
    await expect(answerOf(target, { env: {}, ...filesOf(server) })).resolves.toEqual([]);
    expect(server.asked).toEqual(["/api/flow_runs/filter"]);
  });

  it("is not trusted otherwise, and the hint says how to name the authority", async () => {
    const server = await tlsServer();
    await expect(answerOf({ url: `${server.url}/api` })).rejects.toMatchObject({
      message: expect.stringContaining("self-signed certificate"),
      hint: "name the CA's file in PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE",
    });
  });

  it("names the setting whose file is missing", async () => {
    const server = await tlsServer();
    await expect(answerOf({ url: `${server.url}/api`, certFile: "/absent" })).rejects.toThrow(
      'cannot read PREFECT_API_SSL_CERT_FILE "/absent": no such file',
    );
  });
});

describe("an access proxy before Prefect 3", () => {
  /** Lets in who has the header, and sends others to its login. */
  async function accessProxy() {
    onTestFinished(stopAll);
    const { url } = await place((request, response) => {
      if (request.headers["cf-access-client-id"] === "id-1") return response.end("[]");
      response.writeHead(302, { location: "https://kim:pw@login.corp/sign-in?state=hunter2" });
      return response.end("<html>moved</html>");
    });
    return new URL("/api", url).href;
  }

  it("gets the custom headers with every request", async () => {
    const headers = { "CF-Access-Client-Id": "id-1" };
    await expect(answerOf({ url: await accessProxy(), headers })).resolves.toEqual([]);
  });

  it("is called what it is without them", async () => {
    const url = await accessProxy();
    await expect(answerOf({ url })).rejects.toMatchObject({
      message: `cannot read flow runs: ${url} is not a Prefect API: it answered 302 with a redirect to https://login.corp/sign-in, perhaps a page to sign in`,
      hint: expect.stringContaining("PREFECT_CLIENT_CUSTOM_HEADERS"),
      exitCode: 3,
    });
  });

  it("lets an Authorization of its own win, and the auth string over the key", async () => {
    onTestFinished(stopAll);
    const seen: (string | undefined)[] = [];
    const { url } = await place(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end("[]");
    });
    const target = { url: url.href, apiKey: "key", authString: "a:b" };
    await answerOf(target);
    await answerOf({ ...target, headers: { Authorization: "Own x" } });
    expect(seen).toEqual(["Basic YTpi", "Own x"]);
  });
});

describe("a proxy of the environment", () => {
  it("carries requests to Prefect, unless NO_PROXY exempts the address", async () => {
    onTestFinished(stopAll);
    const { url } = await place((_, response) => response.end("[]"));
    const proxy = await startHttpProxy();
    onTestFinished(() => proxy.stop());
    const env = { HTTP_PROXY: `http://kim:hunter2-s3cret@${proxy.host}` };
    const secrets = new Secrets();
    await answerOf({ url: url.href }, { env, secrets });
    expect(proxy.asked).toEqual([url.host]);
    expect(secrets.redact("hunter2-s3cret")).toBe("***");
    await answerOf({ url: url.href }, { env: { ...env, NO_PROXY: "127.0.0.0/8" } });
    expect(proxy.asked).toHaveLength(1);
  });
});

describe("loadPrefect3Settings", () => {
  const PROFILES = `active = "work"
[profiles.work]
PREFECT_API_URL = "https://x/api"
PREFECT_API_SSL_CERT_FILE = "~/ca.crt"
PREFECT_API_TLS_INSECURE_SKIP_VERIFY = true
PREFECT_CLIENT_CUSTOM_HEADERS = '{"X-Key": "hunter2-s3cret", "User-Agent": "x", "Prefect-Csrf-Token": "x"}'
`;
  const load = (env: Record<string, string>, profiles = PROFILES, secrets = new Secrets()) =>
    loadPrefect3Settings({
      env: { HOME: "/home/user", ...env },
      readFile: (path) => (path.endsWith("profiles.toml") ? profiles : undefined),
      secrets,
    });

  it("reads authorities, verification and headers from a profile", () => {
    const { certFile, skipVerify, headers } = load({})!;
    expect([certFile, skipVerify, headers]).toEqual([
      "/home/user/ca.crt",
      true,
      { "X-Key": "hunter2-s3cret" },
    ]);
  });

  it("lets variables win", () => {
    const env = { PREFECT_API_TLS_INSECURE_SKIP_VERIFY: "False", PREFECT_CLIENT_CUSTOM_HEADERS: "{}" };
    const { skipVerify, headers } = load(env)!;
    expect([skipVerify, headers]).toEqual([false, {}]);
  });

  it("adds what is secret to the secrets", () => {
    const secrets = new Secrets();
    load(
      {
        PREFECT_API_KEY: "pnu_0123456789",
        PREFECT_API_AUTH_STRING: "admin:auth-s3cret",
        PREFECT_API_URL: "https://a:url-s3cret@x",
      },
      PROFILES,
      secrets,
    );
    const shown = secrets.redact("hunter2-s3cret pnu_0123456789 auth-s3cret url-s3cret");
    expect(shown).toBe("*** *** *** ***");
  });

  it.each([
    ["PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "perhaps", "neither true nor false"],
    ["PREFECT_CLIENT_CUSTOM_HEADERS", "hunter2-s3cret", "not a JSON object of texts"],
    ["PREFECT_CLIENT_CUSTOM_HEADERS", '{"a": 1}', "not a JSON object of texts"],
  ])("refuses %s=%s without repeating it", (name, value, why) => {
    expect(() => load({ [name]: value })).toThrow(`cannot read ${name} variable: ${why}`);
  });
});
