// Completion: what __complete answers, as kubectl reads it, and the script through which kubectl asks.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import { runCli } from "../../support/run-cli.ts";

const KUBECONFIG = "/home/user/.kube/config";

let kube: FakeKubernetes;
let directory: string;

beforeAll(async () => {
  kube = await startFakeKubernetes({ namespaces: ["flows", "finance"], controller: false });
  directory = mkdtempSync(join(tmpdir(), "completion-"));
});

afterAll(async () => {
  await kube.stop();
  rmSync(directory, { recursive: true });
});

/** Candidates without their meanings, and the directive. */
async function completed(
  ...words: string[]
): Promise<{ readonly words: string[]; readonly directive: string }> {
  const files = { [KUBECONFIG]: kube.kubeconfig(), other: kube.kubeconfig().replaceAll("fake", "other") };
  const { stdout, stderr, exitCode } = await runCli(["__complete", ...words], { files });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  const lines = stdout.trimEnd().split("\n");
  return {
    words: lines.slice(0, -1).map((line) => line.split("\t")[0] ?? ""),
    directive: lines.at(-1) ?? "",
  };
}

describe("__complete", () => {
  it.each([
    { typed: ["ag"], want: ["agent"] },
    { typed: ["agent", ""], want: ["start", "install"] },
    { typed: ["agent", "k"], want: ["kubernetes"] },
    { typed: ["agent", "kubernetes", "s"], want: ["start"] },
    { typed: ["inst"], want: ["install"] },
    { typed: ["-n", "flows", "inst"], want: ["install"] },
    { typed: ["nosuch", ""], want: [] },
    { typed: ["install", "--rep"], want: ["--replicas"] },
    { typed: ["install", "--repl", "--rep"], want: ["--replicas"] },
    { typed: ["install", "--backend", ""], want: ["cloud", "server"] },
    { typed: ["install", "-b", "s"], want: ["server"] },
    { typed: ["install", "--backend=s"], want: ["server"] },
    { typed: ["install", "-o", ""], want: ["yaml", "json"] },
    { typed: ["install", "--rbac=m"], want: ["minimal"] },
    { typed: ["render", "--dry-run="], want: ["client", "server"] },
    { typed: ["install", "--agent", ""], want: ["kubectl-prefect", "python"] },
    { typed: ["cleanup", "--agent", ""], want: [] },
    { typed: ["install", "--name", ""], want: [] },
    { typed: ["install", "--", "-"], want: [] },
    { typed: ["completion", ""], want: [] },
    { typed: ["agent", "start", "--context", ""], want: ["fake"] },
    { typed: ["agent", "start", "--kubeconfig", "other", "--context", ""], want: ["other"] },
    { typed: ["agent", "start", "--kubeconfig", "nosuch", "--context", ""], want: [] },
    { typed: ["agent", "start", "-n", "f"], want: ["flows", "finance"] },
    { typed: ["agent", "start", "--kubeconfig", "nosuch", "-n", "f"], want: [] },
  ])("answers $typed with $want", async ({ typed, want }) => {
    const { words, directive } = await completed(...typed);
    expect(words.sort()).toEqual([...want].sort());
    expect(directive).toBe(":4");
  });

  it("has every command for the empty word, each with what it does", async () => {
    const { stdout } = await runCli(["__complete", ""]);
    expect(stdout).toContain("install\tprint the manifests that run the agent in a cluster\n");
    expect(stdout).toContain("agent\n");
    expect(stdout).not.toContain("--version");
  });

  it("leaves out a flag that is there already, unless it may be repeated", async () => {
    const { words } = await completed("install", "--name", "a", "--label=b", "--");
    expect(words).toContain("--label");
    expect(words).toContain("--help");
    expect(words).not.toContain("--name");
  });

  it("does not wait for a login program of the kubeconfig that never answers", async () => {
    const pidFile = join(directory, "login.pid");
    const args = ["-c", `echo $$ >${pidFile}; exec sleep 600`];
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "sh",
      args,
      interactiveMode: "Never",
    };
    const config = {
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [{ name: "u", user: { exec } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    };
    const { PATH = "" } = process.env;
    const given = { files: { [KUBECONFIG]: JSON.stringify(config) }, env: { PATH } };
    const { stdout, stderr, exitCode } = await runCli(["__complete", "inspect", ""], given);
    process.kill(Number(readFileSync(pidFile, "utf8")));
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: ":4\n", stderr: "", exitCode: 0 });
  });

  it("leaves files to the shell where a file is meant", async () => {
    expect(await completed("render", "-f", "")).toEqual({ words: [], directive: ":0" });
    expect(await completed("install", "--job-template=x")).toEqual({ words: [], directive: ":0" });
  });
});

describe("completion", () => {
  it("prints a script that passes the command line on to kubectl-prefect", async () => {
    const program = join(directory, "kubectl-prefect");
    writeFileSync(program, "#!/bin/sh\nprintf '%s|' \"$@\"\n", { mode: 0o755 });
    const { stdout } = await runCli(["completion"]);
    const script = join(directory, "kubectl_complete-prefect");
    writeFileSync(script, stdout, { mode: 0o755 });
    const env = { PATH: `${directory}:${process.env["PATH"]}` };
    const arguments_ = ["install", "-b", ""];
    expect(execFileSync(script, arguments_, { env, encoding: "utf8" })).toBe("__complete|install|-b||");
  });

  it("prints a batch file on Windows", async () => {
    const { stdout } = await runCli(["completion"], { env: { OS: "Windows_NT" } });
    expect(stdout).toBe("@echo off\r\nkubectl-prefect __complete %*\r\n");
  });

  it("refuses a shell: kubectl completes in every one", async () => {
    const { stderr, exitCode } = await runCli(["completion", "bash"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^error: cannot print completion for "bash": .*\nhint: .*kubectl_complete-prefect/,
    );
  });
});
