// Completion: what __complete answers, as kubectl reads it, and the scripts that ask it.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
    { typed: ["render", "--dry-run="], want: ["server"] },
    { typed: ["install", "--name", ""], want: [] },
    { typed: ["install", "--", "-"], want: [] },
    { typed: ["completion", ""], want: ["bash", "zsh", "fish", "powershell"] },
    { typed: ["completion", "bash", ""], want: [] },
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
    const given = { files: { [KUBECONFIG]: JSON.stringify(config) } };
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
  it.each(["bash", "zsh", "fish", "powershell"])("prints a script for %s", async (shell) => {
    const { stdout, exitCode } = await runCli(["completion", shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("kubectl-prefect __complete");
  });

  it("completes in bash", async () => {
    const answers = join(directory, "kubectl-prefect");
    writeFileSync(
      answers,
      "#!/bin/sh\nprintf '%s|' \"$@\" >>\"$0.asked\"\nprintf 'cloud\\tmeaning\\nserver\\n:4\\n'\n",
    );
    chmodSync(answers, 0o755);
    const { stdout } = await runCli(["completion", "bash"]);
    const script = `${stdout}
      COMP_LINE='kubectl-prefect install -b ' COMP_POINT=27
      __kubectl_prefect
      printf '%s ' "\${COMPREPLY[@]}"`;
    const env = { PATH: `${directory}:${process.env["PATH"]}` };
    expect(execFileSync("bash", ["-c", script], { env, encoding: "utf8" })).toBe("cloud server ");
    expect(readFileSync(`${answers}.asked`, "utf8")).toBe("__complete|install|-b||");
  });

  it.each([
    { argv: (to: string): string[] => ["--install", to] },
    { argv: (to: string): string[] => [`--install=${to}`] },
  ])("--install DIR writes what kubectl looks for", async ({ argv }) => {
    const to = mkdtempSync(join(directory, "bin-"));
    const { stderr, exitCode } = await runCli(["completion", ...argv(to)], { env: { PATH: to } });
    const path = join(to, "kubectl_complete-prefect");
    expect({ stderr, exitCode }).toEqual({ stderr: `wrote ${path}\n`, exitCode: 0 });
    expect(readFileSync(path, "utf8")).toBe('#!/bin/sh\nexec kubectl-prefect __complete "$@"\n');
    expect(statSync(path).mode & 0o111).toBe(0o111);
  });

  it("--install alone writes it beside the program", async () => {
    const beside = mkdtempSync(join(directory, "bin-"));
    writeFileSync(join(beside, "kubectl-prefect"), "");
    await runCli(["completion", "--install"], { env: { PATH: `/nowhere:${beside}` } });
    expect(existsSync(join(beside, "kubectl_complete-prefect"))).toBe(true);
  });

  it("--install warns of a directory in which kubectl does not look", async () => {
    const { stderr } = await runCli(["completion", "--install", directory], { env: { PATH: "/bin" } });
    expect(stderr).toMatch(/\nwarning: .* is not on the PATH/);
  });

  it("--install fails when nobody says where, and where it cannot write", async () => {
    expect(await runCli(["completion", "--install"], { env: { PATH: "/nowhere" } })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^error: cannot tell where .*\nhint: .*--install=DIR/) as string,
    });
    expect(await runCli(["completion", "--install=/dev/null/bin"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error: cannot write .*\nhint: /) as string,
    });
  });
});
