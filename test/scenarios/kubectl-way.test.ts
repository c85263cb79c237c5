// Side by side with kubectl in the same environment: the same way to the server, by a proxy or past it, and the same user there.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startHttpProxy, startSocksProxy } from "../support/proxies.ts";
import type { RecordingProxy } from "../support/proxies.ts";
import { startTlsServer } from "../support/tls-server.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
/** An address of this machine that is not of the loopback. */
const OWN = addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
const hasIPv6 = addresses.some(({ address }) => address === "::1");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kubectl-way-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Way {
  readonly isAnswered: boolean;
  /** What the proxy was asked for, once for each place. */
  readonly asked: readonly string[];
  readonly users: readonly (string | undefined)[];
}

type Env = Readonly<Record<string, string>>;

/** Runs a command and looks at what the proxy saw meanwhile. */
async function wayOf(command: readonly string[], env: Env, proxy: RecordingProxy): Promise<Way> {
  const [askedBefore, usersBefore] = [proxy.asked.length, proxy.users.length];
  const [file = "", ...args] = command;
  const child = spawn(file, args, {
    env: { HOME: folder, PATH: process.env["PATH"] ?? "", ...env },
    stdio: "ignore",
  });
  const [code] = (await once(child, "close")) as [number | null];
  return {
    isAnswered: code === 0,
    asked: [...new Set(proxy.asked.slice(askedBefore))],
    users: [...new Set(proxy.users.slice(usersBefore))],
  };
}

interface Case {
  readonly host?: string;
  readonly env: (proxy: string) => Env;
  readonly proxyUrl?: (proxy: string) => string;
  readonly start?: typeof startHttpProxy;
  readonly demands?: string;
}

/** kubectl's way and ours. */
async function bothWays({ host = OWN ?? "", env, proxyUrl, start = startHttpProxy, demands }: Case) {
  const server = await startTlsServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end('{"items": []}');
  }, host);
  onTestFinished(() => server.stop());
  const proxy = await start({ target: Number(new URL(server.url).port), host, ...(demands && { demands }) });
  onTestFinished(() => proxy.stop());
  const path = join(folder, "config");
  const cluster = {
    server: server.url,
    "certificate-authority-data": Buffer.from(server.certificate).toString("base64"),
    "tls-server-name": "localhost",
    ...(proxyUrl && { "proxy-url": proxyUrl(proxy.host) }),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    clusters: [{ name: "one", cluster }],
    users: [{ name: "one", user: { token: "t" } }],
  };
  writeFileSync(path, JSON.stringify(config));
  const environment = { KUBECONFIG: path, ...env(proxy.host) };
  const kubectl = await wayOf(
    ["kubectl", "get", "--raw", "/version", "--request-timeout=5s"],
    environment,
    proxy,
  );
  const argv = [process.execPath, MAIN, "jobs", "--request-timeout=5s"];
  return { kubectl, ours: await wayOf(argv, environment, proxy) };
}

const viaHttp =
  (noProxy?: string) =>
  (proxy: string): Env => ({
    HTTPS_PROXY: `http://${proxy}`,
    ...(noProxy === undefined ? {} : { NO_PROXY: noProxy }),
  });

describe.skipIf(!hasKubectl || OWN === undefined)("like kubectl", () => {
  it.each([
    { name: "a range of the loopback", host: "127.0.0.1", noProxy: "127.0.0.0/8" },
    { name: "the loopback without NO_PROXY", host: "127.0.0.1", noProxy: undefined },
    ...(hasIPv6 ? [{ name: "the loopback of IPv6", host: "::1", noProxy: "::1/128" }] : []),
    { name: "no NO_PROXY", noProxy: undefined },
    { name: "its range", noProxy: `${OWN}/16` },
    { name: "its range among others", noProxy: `10.96.0.0/32,${OWN}/16` },
    { name: "blanks", noProxy: `10.96.0.0/32, ${OWN}/16 , .corp` },
    { name: "every address", noProxy: "0.0.0.0/0" },
    { name: "another range", noProxy: "198.51.100.0/24" },
    { name: "everything", noProxy: "*" },
    { name: "its address with another port", noProxy: `${OWN}:1` },
    { name: "its address", noProxy: `${OWN}` },
    { name: "empty entries", noProxy: " ,, " },
  ])("with NO_PROXY for $name", async ({ noProxy, ...more }) => {
    const { kubectl, ours } = await bothWays({ ...more, env: viaHttp(noProxy) });
    expect(ours).toEqual(kubectl);
    expect(kubectl.isAnswered).toBe(true);
  });

  const none = (): Env => ({});

  it.each<Case & { readonly name: string; readonly isAnswered?: boolean }>([
    {
      name: "a password in proxy-url",
      env: none,
      proxyUrl: (to) => `http://kim:p%40ss%20w0rd%21@${to}`,
      demands: "kim:p@ss w0rd!",
    },
    {
      name: "a password in HTTPS_PROXY",
      env: (to) => ({ HTTPS_PROXY: `http://kim:p%40ss%20w0rd%21@${to}` }),
      demands: "kim:p@ss w0rd!",
    },
    {
      name: "a wrong password",
      env: (to) => ({ HTTPS_PROXY: `http://kim:wrong@${to}` }),
      demands: "kim:right",
      isAnswered: false,
    },
    { name: "proxy-url to the loopback", host: "127.0.0.1", env: none, proxyUrl: (to) => `http://${to}` },
    { name: "proxy-url despite NO_PROXY", env: () => ({ NO_PROXY: "*" }), proxyUrl: (to) => `http://${to}` },
    { name: "SOCKS5 in proxy-url", env: none, proxyUrl: (to) => `socks5://${to}`, start: startSocksProxy },
    {
      name: "SOCKS5 with a password",
      env: none,
      proxyUrl: (to) => `socks5://kim:s3same@${to}`,
      start: startSocksProxy,
      demands: "kim:s3same",
    },
    {
      name: "SOCKS5 in HTTPS_PROXY",
      env: (to) => ({ HTTPS_PROXY: `socks5://${to}` }),
      start: startSocksProxy,
    },
    { name: "ALL_PROXY, which does not count", env: (to) => ({ ALL_PROXY: `http://${to}` }) },
    { name: "HTTP_PROXY, which does not count for https", env: (to) => ({ HTTP_PROXY: `http://${to}` }) },
    { name: "a proxy without a scheme", env: (to) => ({ HTTPS_PROXY: to }) },
  ])("with $name", async ({ isAnswered = true, ...given }) => {
    const { kubectl, ours } = await bothWays(given);
    expect(ours).toEqual(kubectl);
    expect(kubectl.isAnswered).toBe(isAnswered);
  });
});
