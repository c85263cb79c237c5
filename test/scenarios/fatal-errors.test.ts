// Errors that end the agent at its start, with one error line and the exit code of the failing API.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTlsServer } from "../support/tls-server.ts";
import type { TlsServer } from "../support/tls-server.ts";
import { startAgentProcess } from "./support/agent-process.ts";
import type { AgentProcess } from "./support/agent-process.ts";
import { startFakes } from "./support/fakes.ts";
import type { Fakes } from "./support/fakes.ts";

const KEY = "pk-a-key-that-nobody-may-read";
const TOKEN = "a-token-that-nobody-may-read";
/** An id that does not exist in the API. */
const UNKNOWN_ID = "00000000-0000-4000-8000-000000000000";

let fakes: Fakes;
let untrusted: TlsServer;
let folder: string;
let website: string;
let site: Server;
let agent: AgentProcess | undefined;

beforeEach(async () => {
  fakes = await startFakes({ kube: { tokens: { [TOKEN]: "agent" } } });
  untrusted = await startTlsServer();
  site = createServer(({ url }, response) => {
    response.writeHead(url === "/nowhere.yaml" ? 404 : 200).end("<html>");
  });
  await new Promise<void>((listening) => site.listen(0, "127.0.0.1", listening));
  website = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  folder = mkdtempSync(join(tmpdir(), "refused-"));
});

afterEach(async () => {
  await agent?.kill();
  await untrusted.stop();
  await new Promise((closed) => site.close(closed));
  await fakes.stop();
  rmSync(folder, { recursive: true });
});

interface Row {
  readonly name: string;
  readonly code: 2 | 3 | 4;
  readonly error: RegExp;
  readonly hint?: RegExp;
  /** Breaks something before the agent starts. */
  readonly before?: () => void;
  /** Without it, a kubeconfig with a valid token. */
  readonly kubeconfig?: () => string;
  readonly flags?: () => readonly string[];
}

function kubeconfig(user: object, server = fakes.kube.url): string {
  const name = "test";
  return JSON.stringify({
    "current-context": name,
    clusters: [{ name, cluster: { server, "insecure-skip-tls-verify": server === fakes.kube.url } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

function loginPlugin(script: string): object {
  const command = join(folder, "login");
  writeFileSync(command, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  return {
    exec: { apiVersion: "client.authentication.k8s.io/v1", command, interactiveMode: "Never" },
  };
}

/** From now on, Prefect answers every request with this status. */
function prefectAnswers(status: number): void {
  const effect = { kind: "status", status } as const;
  fakes.prefect.fault({ effect, times: Number.POSITIVE_INFINITY });
}

const PREFECT: readonly Row[] = [
  ...[401, 403].flatMap((status): Row[] => [
    {
      name: `answers ${status}`,
      before: () => prefectAnswers(status),
      code: 3,
      error: new RegExp(`^cannot .*: the API answered ${status} with a web page, perhaps one to sign in$`),
      hint: /^check the API key/,
    },
  ]),
  {
    name: "does not have the tenant",
    flags: () => ["--tenant-id", UNKNOWN_ID],
    code: 3,
    error: /^cannot find the tenant: the API has no tenant with this id$/,
    hint: /^check --tenant-id/,
  },
  {
    name: "has no tenants",
    before: () => {
      const { tenant } = fakes.prefect.store.tables;
      for (const row of tenant.all()) tenant.delete(row);
    },
    code: 3,
    error: /^cannot find the tenant: the server has no tenant$/,
    hint: /create-tenant/,
  },
];

const OTHER_ADDRESSES: readonly Row[] = [
  {
    name: "is a web site",
    flags: () => [`--api=${website}`],
    code: 3,
    error: /^cannot .*: http:\S+ is not a Prefect API: it answered 200 with a web page/,
    hint: /^check the URL: use the API's URL, not the UI's/,
  },
  {
    name: "is Prefect Cloud, without a key",
    flags: () => ["--api=https://api.prefect.io", "--backend=cloud", "--key="],
    code: 2,
    error: /^cannot start the agent: no API key is set for Prefect Cloud$/,
    hint: /--key or PREFECT__CLOUD__API_KEY/,
  },
];

function templateFile(text: string): readonly string[] {
  const path = join(folder, "job.yaml");
  writeFileSync(path, text);
  return [`--job-template=${path}`];
}

const TEMPLATES: readonly Row[] = [
  {
    name: "is not there",
    flags: () => ["--job-template=/nowhere/job.yaml"],
    code: 2,
    error: /^cannot use job template "\/nowhere\/job.yaml": there is no such file where the agent runs$/,
  },
  {
    name: "is a folder",
    flags: () => [`--job-template=${folder}`],
    code: 2,
    error: /: it is a directory$/,
  },
  {
    name: "is not YAML",
    flags: () => templateFile("spec: [}"),
    code: 2,
    error: /: it is not YAML.* at line 1, column \d+$/,
  },
  {
    name: "is a Pod",
    flags: () => templateFile("kind: Pod"),
    code: 2,
    error: /: it is a Pod, not a Job$/,
  },
  {
    name: "is Prefect 3's",
    flags: () => templateFile("job_configuration:\n  image: '{{ image }}'\n"),
    code: 2,
    error: /: it looks like a template of Jinja, Helm or Prefect 2 and 3/,
  },
  {
    name: "has an address with nothing there",
    flags: () => [`--job-template=${website}/nowhere.yaml`],
    code: 2,
    error: /: (?:there is no such template \(HTTP 404\)|access denied)/,
  },
];

const KUBERNETES: readonly Row[] = [
  {
    name: "does not have the namespace",
    flags: () => ["--namespace=nosuch"],
    code: 4,
    error: /^cannot create Jobs in namespace "nosuch": it does not exist$/,
    hint: /^create it with: kubectl create namespace nosuch --kubeconfig \S+; or choose another with -n$/,
  },
  {
    name: "rejects the token",
    kubeconfig: () => kubeconfig({ token: "a-wrong-token" }),
    code: 4,
    error: /: Unauthorized$/,
    hint: /^log in to the cluster again/,
  },
  {
    name: "denies the agent's permissions",
    before: () => void fakes.kube.forbid({ verbs: ["create"], resources: ["jobs"] }),
    code: 4,
    error: /^cannot work in namespace "default": not allowed to create jobs\.batch$/,
    hint: /administrator bind "agent" to the Role that this prints: .*install --rbac=minimal --rbac-only -n default/,
  },
  {
    name: "has an untrusted certificate",
    kubeconfig: () => kubeconfig({ token: TOKEN }, untrusted.url),
    code: 4,
    error: /: self-signed certificate\b/,
    hint: /^check certificate-authority/,
  },
  {
    name: "needs a login plugin that is not installed",
    kubeconfig: () =>
      kubeconfig({ exec: { apiVersion: "client.authentication.k8s.io/v1", command: "absent-login" } }),
    code: 4,
    error: /absent-login/,
  },
  {
    name: "needs a login that has expired",
    kubeconfig: () => kubeconfig(loginPlugin("echo your login has expired >&2; exit 1")),
    code: 4,
    error: /your login has expired/,
  },
];

const FILES: readonly Row[] = [
  {
    name: "is not there",
    flags: () => ["--kubeconfig", join(folder, "absent")],
    code: 2,
    error: /^cannot read kubeconfig ".*absent": no such file$/,
  },
  {
    name: "is not YAML",
    kubeconfig: () => "clusters: [}",
    code: 2,
    error: /^cannot read kubeconfig ".*": .+$/,
  },
  {
    name: "does not have the context",
    flags: () => ["--context", "absent"],
    code: 2,
    error: /^cannot find context "absent" in the kubeconfig$/,
  },
];

describe.each([
  { what: "a Prefect API that", rows: PREFECT },
  { what: "an address of Prefect that", rows: OTHER_ADDRESSES },
  { what: "a job template that", rows: TEMPLATES },
  { what: "a cluster that", rows: KUBERNETES },
  { what: "a kubeconfig that", rows: FILES },
])("$what", ({ rows }) => {
  it.each(rows)("$name ends the agent with exit code $code", async (row) => {
    row.before?.();
    const path = join(folder, "config");
    writeFileSync(path, (row.kubeconfig ?? (() => kubeconfig({ token: TOKEN })))());
    agent = await startAgentProcess(fakes, [
      `--kubeconfig=${path}`,
      `--key=${KEY}`,
      ...(row.flags?.() ?? []),
    ]);
    expect(await agent.ended).toBe(row.code);
    const lines = agent.output().split("\n");
    const errors = lines.filter((line) => line.startsWith("error: "));
    expect(errors).toEqual([expect.stringMatching(row.error.source.replace("^", "^error: ")) as unknown]);
    const hint = lines.find((line) => line.startsWith("hint: ")) ?? "hint: ";
    expect(hint.slice("hint: ".length)).toMatch(row.hint ?? /^/);
    expect(agent.output()).not.toMatch(/internal error|^\s+at /m);
    expect(agent.output()).not.toContain(KEY);
    expect(agent.output()).not.toContain(TOKEN);
    // No request, and so no credentials, went to the untrusted server.
    expect(untrusted.asked).toEqual([]);
  });
});
