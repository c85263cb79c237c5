// Exec plugins around a whole command: one that asks on the terminal, one that hangs without.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { noTerminalReason, Terminal } from "../support/terminal.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const API = "client.authentication.k8s.io/v1";
const ASKS = `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" >"$INFO"
echo "open https://login.example.com and enter the code" >&2
read -r code
[ "$code" = 4711 ] || exit 3
echo '{"apiVersion": "${API}", "kind": "ExecCredential", "status": {"token": "admin-token"}}'
`;

const HANGS = `#!/bin/sh
trap 'kill $!; echo ended >"$INFO"; exit 1' TERM
echo started >"$INFO"
sleep 300 &
wait
`;

let folder: string;
let kube: FakeKubernetes;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plugin-"));
  kube = await startFakeKubernetes({ controller: false, tokens: { "admin-token": "admin" } });
});

afterEach(async () => {
  await kube.stop();
  rmSync(folder, { recursive: true });
});

/** The variables of a command whose user logs in with this plugin. */
function environment(script: string, interactiveMode: string): Record<string, string> {
  const command = join(folder, "login");
  writeFileSync(command, script);
  chmodSync(command, 0o755);
  const exec = { apiVersion: API, command, interactiveMode };
  const config = {
    "current-context": "one",
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    clusters: [{ name: "one", cluster: { server: kube.url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "one", user: { exec } }],
  };
  writeFileSync(join(folder, "config"), JSON.stringify(config));
  return { HOME: folder, KUBECONFIG: join(folder, "config"), INFO: join(folder, "info") };
}

describe("a plugin that asks", () => {
  it.skipIf(noTerminalReason() !== undefined)("gets the terminal, and what is typed there", async () => {
    const env = environment(ASKS, "IfAvailable");
    const terminal = new Terminal([process.execPath, MAIN, "jobs"], { columns: 100, rows: 20 }, env);
    await terminal.shows(/enter the code/);
    terminal.types("4711\n");
    await terminal.shows(/No resources found in default namespace/);
    expect(await terminal.ended).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, "info"), "utf8"))).toMatchObject({
      spec: { interactive: true },
    });
  });
});

describe("a plugin that hangs", () => {
  it("is named after some seconds, and ends with the command", async () => {
    const env = environment(HANGS, "Never");
    const child = spawn(process.execPath, [MAIN, "jobs"], {
      env: { ...env, PATH: process.env["PATH"] },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await expect
      .poll(() => stderr, { timeout: 20_000 })
      .toContain(`waiting for credentials from "${folder}/login"`);
    const ended = once(child, "close");
    child.kill("SIGINT");
    expect((await ended)[0]).toBe(130);
    await expect.poll(() => readFileSync(join(folder, "info"), "utf8")).toBe("ended\n");
  });
});
