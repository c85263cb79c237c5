// What is refused for good ends the agent's process, after a few tries, with the code of who refused and one error line.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTlsServer } from "../support/tls-server.ts";
import type { TlsServer } from "../support/tls-server.ts";
import { startAgentProcess } from "./support/agent-process.ts";
import type { AgentProcess } from "./support/agent-process.ts";
import { startWorld } from "./support/world.ts";
import type { World } from "./support/world.ts";

const KEY = "pk-a-key-that-nobody-may-read";
const TOKEN = "a-token-that-nobody-may-read";
/** An id that the API cannot have. */
const STRANGER = "00000000-0000-4000-8000-000000000000";

let world: World;
let untrusted: TlsServer;
let folder: string;
let agent: AgentProcess | undefined;

beforeEach(async () => {
  world = await startWorld({ kube: { tokens: { [TOKEN]: "agent" } } });
  untrusted = await startTlsServer();
  folder = mkdtempSync(join(tmpdir(), "refused-"));
});

afterEach(async () => {
  await agent?.kill();
  await untrusted.stop();
  await world.stop();
  rmSync(folder, { recursive: true });
});

interface Row {
  readonly name: string;
  readonly code: 2 | 3 | 4;
  readonly error: RegExp;
  readonly hint?: RegExp;
  /** What is wrong from the start. */
  readonly before?: () => void;
  /** Without it, a kubeconfig with a good token. */
  readonly kubeconfig?: () => string;
  readonly flags?: () => readonly string[];
  /** What goes wrong while the agent works. */
  readonly later?: () => void;
}

function kubeconfig(user: object, server = world.kube.url): string {
  const name = "test";
  return JSON.stringify({
    "current-context": name,
    // Exec plugins are not asked for credentials that would go over the wire in clear.
    clusters: [
      { name, cluster: { server, ...("exec" in user ? { "insecure-skip-tls-verify": true } : {}) } },
    ],
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

/** Prefect answers everything so from now on. */
function prefectAnswers(status: number): void {
  const effect = { kind: "status", status } as const;
  world.prefect.fault({ effect, times: Number.POSITIVE_INFINITY });
}

/** Kubernetes answers everything so from now on, and ends all watches. */
function kubernetesAnswers(status: number, message: string): void {
  world.kube.faults.add({
    action: { kind: "answer", status, message },
    times: Number.POSITIVE_INFINITY,
  });
  world.kube.dropWatches();
}

const PREFECT: readonly Row[] = [
  ...[401, 403].flatMap((status): Row[] => [
    {
      name: `answers ${status}`,
      before: () => prefectAnswers(status),
      code: 3,
      error: new RegExp(`^cannot .*: the API answered ${status}$`),
      hint: /^check the API key/,
    },
    {
      name: `answers ${status} after a while`,
      later: () => prefectAnswers(status),
      code: 3,
      error: new RegExp(`^cannot .*: the API answered ${status}$`),
      hint: /^check the API key/,
    },
  ]),
  {
    name: "has no such tenant any more",
    flags: () => ["--tenant-id", STRANGER],
    code: 3,
    error: /^cannot register the agent: .*tenant_id_fkey/,
    hint: /^check --tenant-id/,
  },
  {
    name: "has no tenant any more",
    before: () => {
      const { tenant } = world.prefect.store.tables;
      for (const row of tenant.all()) tenant.delete(row);
    },
    code: 3,
    error: /^cannot find the tenant: the server has no tenant$/,
    hint: /create-tenant/,
  },
];

const KUBERNETES: readonly Row[] = [
  {
    name: "takes the token no more",
    kubeconfig: () => kubeconfig({ token: "a-wrong-token" }),
    code: 4,
    error: /: Unauthorized$/,
    hint: /^log in to the cluster again/,
  },
  {
    name: "takes the token no more after a while",
    later: () => kubernetesAnswers(401, "Unauthorized"),
    code: 4,
    error: /^cannot (list|watch) .*: Unauthorized$/,
    hint: /^log in to the cluster again/,
  },
  {
    name: "gives no rights",
    before: () => void world.kube.forbid({ verbs: ["create"], resources: ["jobs"] }),
    code: 4,
    error: /^cannot work in namespace "default": not allowed to create jobs\.batch$/,
    hint: /install --rbac=minimal/,
  },
  {
    name: "takes the rights away after a while",
    later: () => {
      world.kube.forbid({ resources: ["jobs", "pods"] });
      world.kube.dropWatches();
    },
    code: 4,
    error: /^cannot (list|watch) (jobs|pods)\b.*: .* is forbidden/,
  },
  {
    name: "has a certificate that nobody trusts",
    kubeconfig: () => kubeconfig({ token: TOKEN }, untrusted.url),
    code: 4,
    error: /: self-signed certificate\b/,
    hint: /^check certificate-authority/,
  },
  {
    name: "needs a login plugin that is absent",
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
  {
    name: "needs a login that expires after a while",
    kubeconfig: () => {
      const credential = {
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        status: { token: TOKEN, expirationTimestamp: new Date(Date.now() + 1_000).toISOString() },
      };
      const used = join(folder, "expired");
      return kubeconfig(
        loginPlugin(
          `[ ! -f ${used} ] || { echo your login has expired >&2; exit 1; }; echo '${JSON.stringify(credential)}'`,
        ),
      );
    },
    later: () => {
      writeFileSync(join(folder, "expired"), "");
      kubernetesAnswers(401, "Unauthorized");
    },
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
    name: "is no YAML",
    kubeconfig: () => "clusters: [}",
    code: 2,
    error: /^cannot read kubeconfig ".*": .+$/,
  },
  {
    name: "has no such context",
    flags: () => ["--context", "absent"],
    code: 2,
    error: /^cannot find context "absent" in the kubeconfig$/,
  },
];

describe.each([
  { what: "a Prefect API that", rows: PREFECT },
  { what: "a cluster that", rows: KUBERNETES },
  { what: "a kubeconfig that", rows: FILES },
])("$what", ({ rows }) => {
  it.each(rows)("$name ends the agent with exit code $code", async (row) => {
    row.before?.();
    const path = join(folder, "config");
    writeFileSync(path, (row.kubeconfig ?? (() => kubeconfig({ token: TOKEN })))());
    agent = await startAgentProcess(world, [
      `--kubeconfig=${path}`,
      `--key=${KEY}`,
      ...(row.flags?.() ?? []),
    ]);
    if (row.later !== undefined) {
      await agent.ready();
      row.later();
      // What waits for its next poll is asked to poll now.
      await agent.poke().catch(() => undefined);
    }
    expect(await agent.ended).toBe(row.code);
    const lines = agent.output().split("\n");
    const errors = lines.filter((line) => line.startsWith("error: "));
    expect(errors).toEqual([expect.stringMatching(row.error.source.replace("^", "^error: ")) as unknown]);
    const hint = lines.find((line) => line.startsWith("hint: ")) ?? "hint: ";
    expect(hint.slice("hint: ".length)).toMatch(row.hint ?? /^/);
    expect(agent.output()).not.toMatch(/internal error|^\s+at /m);
    expect(agent.output()).not.toContain(KEY);
    expect(agent.output()).not.toContain(TOKEN);
    // Nothing was sent, not even credentials, to whom nobody trusts.
    expect(untrusted.asked).toEqual([]);
  });
});
