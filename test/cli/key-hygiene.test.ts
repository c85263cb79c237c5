// No command prints the API key, the token of the kubeconfig or a password, whatever fails and even with -v. The check itself
// is in test/support/secrets.ts and runs in all tests that run commands.

import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandMetadata } from "../../src/cli/help/command-metadata.ts";
import { COMMANDS } from "../../src/cli/program.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { runCli } from "../support/run-cli.ts";
import { assertNoSecretsPrinted, secretsOf } from "../support/secrets.ts";

const KEY = "pk-THE-KEY-THAT-IS-NEVER-PRINTED";
const TOKEN = "THE-TOKEN-THAT-IS-NEVER-PRINTED";
const PASSWORD = "THE-PASSWORD-THAT-IS-NEVER-PRINTED";
const KUBECONFIG = "/home/user/.kube/config";

let kube: FakeKubernetes;
let cloud: FakePrefect1;
let echoServer: Server;

beforeAll(async () => {
  kube = await startFakeKubernetes({ tokens: { good: "alice" } });
  cloud = await startFakePrefect1({ flavour: "cloud", apiKey: "another" });
  // Returns the request's headers in its error page, as some proxies do.
  echoServer = createServer((request, response) => {
    response.writeHead(502, {
      "content-type": "application/json",
      "x-echo": JSON.stringify(request.headers),
    });
    response.end(JSON.stringify({ errors: [], headers: request.headers }));
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => echoServer.once("listening", listening));
});

afterAll(async () => {
  await kube.stop();
  await cloud.stop();
  echoServer.closeAllConnections();
  await new Promise((closed) => echoServer.close(closed));
});

const echoUrl = (): string => `http://127.0.0.1:${(echoServer.address() as AddressInfo).port}`;
const withPassword = (url: string): string => url.replace("://", `://somebody:${PASSWORD}@`);

function kubeconfig(server: string): string {
  return kube.kubeconfig({ token: TOKEN }).replaceAll(kube.url, server);
}

/** A command line for each command with --key; the first test fails if one is missing. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  "agent start": ["agent", "start", "--max-polls=1"],
  install: ["install", "--job-template", "nosuch.yaml"],
  doctor: ["doctor"],
  render: ["render", "fox"],
  jobs: ["jobs"],
  cleanup: ["cleanup", "--yes"],
  cancel: ["cancel", "fox"],
  inspect: ["inspect", "fox"],
  logs: ["logs", "fox"],
  open: ["open", "fox"],
};

interface Problem {
  readonly name: string;
  readonly api: () => string;
  readonly server: () => string;
}

const FAILURES: readonly Problem[] = [
  { name: "both deny access", api: () => cloud.url, server: () => kube.url },
  { name: "both echo the request", api: echoUrl, server: echoUrl },
  { name: "both are unreachable", api: () => "http://127.0.0.1:1", server: () => "http://127.0.0.1:1" },
  {
    name: "the address has a password",
    api: () => withPassword(echoUrl()),
    server: () => withPassword(kube.url),
  },
  {
    name: "the address is invalid and has a password",
    api: () => withPassword("ftp://127.0.0.1"),
    server: () => withPassword("http://127.0.0.1:1"),
  },
];

describe("no command prints a key", () => {
  it("and all commands with --key are tested", () => {
    const takeKey = commandMetadata(COMMANDS).filter(({ options }) =>
      options.some(({ flag }) => flag === "--key"),
    );
    expect(takeKey.map(({ name }) => name).filter((name) => LINES[name] === undefined)).toEqual([]);
  });

  it.each(
    FAILURES.flatMap((problem) =>
      Object.entries(LINES).map(([command, line]) => ({ ...problem, command, line })),
    ),
  )("when $name: $command", async ({ line, api, server }) => {
    const { stdout, stderr } = await runCli([...line, "-v", "--request-timeout=2s"], {
      env: { PREFECT__CLOUD__API_KEY: KEY, PREFECT_API_KEY: KEY, PREFECT__CLOUD__API: api() },
      files: { [KUBECONFIG]: kubeconfig(server()) },
      signal: AbortSignal.timeout(1_500),
    });
    for (const secret of [KEY, TOKEN, PASSWORD]) expect(stdout + stderr).not.toContain(secret);
    expect(stderr).not.toMatch(/internal error/);
  });
});

describe("the check", () => {
  it("finds the secrets in a command line, variables and files", () => {
    const input = {
      argv: ["agent", "start", "-k", "secret-1", "--token=secret-2", "--key", "secret-3", "-l", "no-secret"],
      env: { PREFECT__CLOUD__API_KEY: "secret-4", HOME: "/home/no-secret" },
      files: ['users: [{user: {token: "secret-5"}}]', 'api_key = "secret-6"', '{"token":"secret-7"}'],
    };
    expect(secretsOf(input).sort()).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `secret-${n}`));
  });

  it.each(["here: secret-1", `here: ${Buffer.from("secret-1").toString("base64")}`])(
    "fails when a command prints one: %s",
    (stderr) => {
      const input = { argv: ["jobs", "-k", "secret-1"] };
      expect(() => assertNoSecretsPrinted(input, { stdout: "", stderr })).toThrow("a secret was printed");
    },
  );

  it("allows secrets of install and render on stdout only", () => {
    const input = { argv: ["install", "-k", "secret-1"] };
    assertNoSecretsPrinted(input, { stdout: "key: secret-1", stderr: "" });
    expect(() => assertNoSecretsPrinted(input, { stdout: "", stderr: "secret-1" })).toThrow(
      "a secret was printed",
    );
  });
});
