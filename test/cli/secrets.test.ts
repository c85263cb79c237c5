// No password and no key appears in any output, whatever setting it stands in and in whatever form, while everything fails.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/run-cli.ts";
import type { CliInput } from "../support/run-cli.ts";

const SECRET = "hunter2-s3cret";
const USERINFO = `kim:${SECRET}@`;
const KUBECONFIG = "/home/user/.kube/config";
const HOME = "/home/user/.prefect";

let folder: string;
let echo: Server;
let host: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
  // Repeats all that it was asked, as some proxies do.
  echo = createServer((request, response) => {
    const seen = JSON.stringify({ headers: request.headers, url: request.url });
    response
      .writeHead(502, { "content-type": "application/json", "x-echo": encodeURIComponent(seen) })
      .end(seen);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => echo.once("listening", listening));
  host = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  echo.closeAllConnections();
  await new Promise((closed) => echo.close(closed));
});

function kubeconfig(user: object, cluster: object = {}): string {
  return JSON.stringify({
    "current-context": "one",
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    clusters: [{ name: "one", cluster: { server: `http://${host}`, ...cluster } }],
    users: [{ name: "one", user }],
  });
}

function plugin(name: string, body: string, more: object = {}): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  const apiVersion = "client.authentication.k8s.io/v1";
  return kubeconfig({ exec: { apiVersion, command: path, interactiveMode: "Never", ...more } });
}

interface Setting extends Pick<CliInput, "env" | "files"> {
  readonly argv?: readonly string[];
}

const inKubeconfig = (text: string): Setting => ({ files: { [KUBECONFIG]: text } });

/** Where the secret stands, by what it is called. */
const PLACES: Readonly<Record<string, () => Setting>> = {
  "the password in PREFECT_API_URL": () => ({ env: { PREFECT_API_URL: `http://${USERINFO}${host}/api` } }),
  "the password in a PREFECT_API_URL that is no URL": () => ({
    env: { PREFECT_API_URL: `${USERINFO}${host}` },
  }),
  PREFECT_API_KEY: () => ({ env: { PREFECT_API_URL: `http://${host}/api`, PREFECT_API_KEY: SECRET } }),
  PREFECT_API_AUTH_STRING: () => ({
    env: { PREFECT_API_URL: `http://${host}/api`, PREFECT_API_AUTH_STRING: `kim:${SECRET}` },
  }),
  PREFECT_CLIENT_CUSTOM_HEADERS: () => ({
    env: {
      PREFECT_API_URL: `http://${host}/api`,
      PREFECT_CLIENT_CUSTOM_HEADERS: JSON.stringify({ "X-Key": SECRET }),
    },
  }),
  "custom headers that are no JSON": () => ({
    env: { PREFECT_API_URL: `http://${host}/api`, PREFECT_CLIENT_CUSTOM_HEADERS: `X-Key: ${SECRET}` },
  }),
  PREFECT__CLOUD__API_KEY: () => ({ env: { PREFECT__CLOUD__API_KEY: SECRET } }),
  "the password in --api": () => ({ argv: ["--api", `http://${USERINFO}${host}`] }),
  "the password in an --api that is no URL": () => ({ argv: ["--api", `${USERINFO}${host}`] }),
  "the password in an --api of another scheme": () => ({ argv: ["--api", `ftp://${USERINFO}${host}`] }),
  "a kubeconfig's token": () => inKubeconfig(kubeconfig({ token: SECRET })),
  "a kubeconfig's password": () => inKubeconfig(kubeconfig({ username: "kim", password: SECRET })),
  "a kubeconfig that is no YAML": () => inKubeconfig(`users: [{name: "a" ${SECRET}: x}`),
  "a kubeconfig with an unknown alias": () => inKubeconfig(`token: *${SECRET}`),
  "the password of the server": () => inKubeconfig(kubeconfig({}, { server: `http://${USERINFO}${host}` })),
  "the password in --server": () => ({ argv: ["--server", `http://${USERINFO}${host}`] }),
  "the password in a --server that is no URL": () => ({ argv: ["--server", `http://${USERINFO}[x`] }),
  "the password in proxy-url": () =>
    inKubeconfig(kubeconfig({}, { "proxy-url": `http://${USERINFO}${host}` })),
  "the password in a proxy-url that is no URL": () =>
    inKubeconfig(kubeconfig({}, { "proxy-url": `http://${USERINFO}[x` })),
  "the password in HTTPS_PROXY": () => ({
    env: { HTTPS_PROXY: `http://${USERINFO}${host}` },
    argv: ["--server", "https://10.255.255.1", "--api", "https://10.255.255.1"],
  }),
  "the password in a malformed HTTPS_PROXY": () => ({
    env: { HTTPS_PROXY: `http://${USERINFO}[x` },
    argv: ["--server", "https://10.255.255.1", "--api", "https://10.255.255.1"],
  }),
  "what a plugin prints": () => inKubeconfig(plugin("prints", `echo ${SECRET}`)),
  "a plugin's token": () =>
    inKubeconfig(
      plugin(
        "token",
        `echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "${SECRET}"}}'`,
      ),
    ),
  "a plugin's arguments and variables, which it repeats": () => ({
    files: {
      [KUBECONFIG]: plugin("repeats", 'echo "$@ $LOGIN_PASSWORD" >&2; exit 1', {
        args: ["get", "--client-secret", SECRET, `--token=${SECRET}`],
        env: [{ name: "LOGIN_PASSWORD", value: SECRET }],
      }),
    },
  }),
  "a config.toml that is no TOML": () => ({
    files: { [`${HOME}/config.toml`]: `[cloud\napi_key = "${SECRET}"` },
  }),
  "a config.toml with a bare key": () => ({
    files: { [`${HOME}/config.toml`]: `[cloud]\napi_key = ${SECRET}\n` },
  }),
  "an auth.toml that is no TOML": () => ({ files: { [`${HOME}/auth.toml`]: `api_key = '${SECRET}` } }),
  "a profiles.toml that is no TOML": () => ({
    files: { [`${HOME}/profiles.toml`]: `PREFECT_API_KEY = ${SECRET}` },
  }),
  "the password of a job template": () => ({
    argv: ["--job-template", `http://${USERINFO}${host}/t.yaml?sig=${SECRET}`],
  }),
  "the password of a job template that is no URL": () => ({
    argv: ["--job-template", `https://kim:/${SECRET}@${host}/t.yaml`],
  }),
};

const COMMANDS: readonly (readonly string[])[] = [
  ["jobs", "-v"],
  ["inspect", "11111111-2222-4333-8444-555555555555", "-v"],
  ["cleanup", "--dry-run", "-v"],
  ["cancel", "quick-fox", "-v"],
  ["logs", "quick-fox", "-v"],
  ["doctor", "-v"],
  ["doctor", "-o", "json"],
  ["render", "quick-fox", "-v"],
  ["agent", "start", "--log-level", "DEBUG", "--log-format", "json", "--max-polls", "1"],
];

/** Commands that take --job-template. */
const WITH_TEMPLATE = new Set(["doctor", "render", "agent"]);

describe.each(Object.entries(PLACES))("%s", (place, setting) => {
  it.each(COMMANDS.map((argv) => ({ argv })))("is not printed by $argv", async ({ argv }) => {
    const { argv: more = [], env, files } = setting();
    const isTemplate = place.includes("job template");
    const line = isTemplate && !WITH_TEMPLATE.has(argv[0] ?? "") ? argv : [...argv, ...more];
    const { stdout, stderr } = await runCli([...line, "--request-timeout=1s"], {
      env: { PREFECT__CLOUD__API: `http://${host}`, PREFECT__CLOUD__REQUEST_TIMEOUT: "1", ...env },
      files: { [KUBECONFIG]: kubeconfig({}), ...files },
      signal: AbortSignal.timeout(250),
    });
    const text = stdout + stderr;
    for (const form of [
      SECRET,
      encodeURIComponent(SECRET),
      Buffer.from(SECRET).toString("base64").slice(0, -2),
    ]) {
      expect(text).not.toContain(form);
    }
    expect(text).not.toContain(Buffer.from(`kim:${SECRET}`).toString("base64").slice(0, -2));
    expect(stderr).not.toMatch(/internal error/);
  });
});
