// The commands that hints show: they exist, take their flags, act on the user's own cluster and Prefect, and deploy nothing.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cliContext } from "../../src/cli/context.ts";
import { readArgv } from "../../src/cli/help/argv.ts";
import { commandMetadata } from "../../src/cli/help/command-metadata.ts";
import { ownFlags, withOwnFlags } from "../../src/cli/own-flags.ts";
import { COMMANDS } from "../../src/cli/program.ts";
import { systemClock } from "../../src/base/clock.ts";
import { everyRun } from "../support/every-run.ts";
import { POD, putJob, runId, startTestCluster } from "../inventory/test-cluster.ts";

const SOURCES = join(import.meta.dirname, "..", "..", "src");
const COMMAND_LIST = commandMetadata(COMMANDS);
const context = cliContext({
  env: {},
  clock: systemClock,
  home: undefined,
  readFile: () => undefined,
  userAgent: "test",
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isInteractive: false,
  signal: new AbortController().signal,
});

/** Throws for a command or a flag that does not exist. */
function parse(command: string): void {
  const parsed = readArgv(command.split(" "), COMMAND_LIST);
  if (parsed.command === undefined && command !== "--help") throw new Error(`no such command: ${command}`);
  if (!parsed.wantsHelp) parsed.command?.parse(parsed.args, context);
}

/** `kubectl prefect …` in the texts of a source file, with a value for each `${}`. */
function shownIn(text: string): readonly string[] {
  const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "").replaceAll("${PROGRAM}", "kubectl prefect");
  const filled = code.replaceAll(/\$\{[^{}]*\}/g, "VALUE");
  return [...filled.matchAll(/(?:: |use: )kubectl prefect ([^"`;|,]+)/g)].map((match) =>
    (match[1] ?? "").trim(),
  );
}

/** The commands in the hint of an error. */
function commandsIn(stderr: string): readonly string[] {
  const hint = stderr.split("\n").find((line) => line.startsWith("hint: ")) ?? "";
  return [...hint.matchAll(/kubectl [^;|]+/g)].map(([command]) => command.trim());
}

describe("hints in the sources", () => {
  const texts = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => shownIn(readFileSync(join(SOURCES, path), "utf8")));
  // `cleanup for what finished`, and usage lines, go on as text.
  const shown = texts.map((text) => text.replace(/ (?:for|with) .*$/, "").replace(/ \[options\]$/, ""));

  it("are found", () => {
    expect(shown.length).toBeGreaterThan(8);
  });

  it.each([...new Set(shown)])("kubectl prefect %s runs", (command) => {
    expect(() => parse(command.replace("VALUE --help", "jobs --help"))).not.toThrow();
  });

  it("install nothing but permissions, unless the user has installed it", () => {
    const installs = texts.filter((text) => text.startsWith("install"));
    expect(installs.filter((text) => !/--rbac-only|with the same options/.test(text))).toEqual([]);
  });
});

const FLAGS = ["--context", "fake", "-n", "default", "-b", "server"];
const OWN = "--context fake -b server";

describe("hints of errors", () => {
  it.each([
    { name: "an unknown run", argv: ["inspect", "nosuch"], want: `kubectl prefect jobs -A ${OWN}` },
    {
      name: "a run without a pod",
      argv: ["logs", runId(9)],
      want: `kubectl prefect inspect ${runId(9)} -n default ${OWN}`,
    },
    {
      name: "a pod that has not started",
      argv: ["logs", runId(8)],
      want: `kubectl prefect inspect ${runId(8)} -n default ${OWN}`,
    },
  ])("repeat the user's flags, and run: $name", async ({ argv, want }) => {
    const { cluster, cli, prefect } = await everyRun();
    putJob(cluster, "job-9", { run: runId(9) });
    putJob(cluster, "job-8", { run: runId(8), pod: POD.pulling });
    const { stderr } = await cli([...argv, ...FLAGS, "-a", prefect.url]);
    const [command = ""] = commandsIn(stderr);
    expect(command).toBe(`${want} -a ${prefect.url}`);
    const again = await cli(command.replace("kubectl prefect ", "").split(" "));
    expect(again.exitCode).toBe(0);
  });

  it("name the permissions check for what is forbidden; one namespace if the user asked for all", async () => {
    const { fake, cli } = await startTestCluster();
    fake.forbid({ verbs: ["list"], resources: ["jobs"] });
    const { stderr } = await cli(["jobs", "--context", "fake", "-n", "default"]);
    expect(commandsIn(stderr)).toEqual(["kubectl prefect doctor -n default --context fake"]);
    parse("doctor -n default --context fake");
    const all = await cli(["jobs", "-A"]);
    expect(all.stderr).toMatch(
      /^error: cannot list jobs in all namespaces: .*\nhint: choose one namespace with -n\n$/,
    );
  });

  it("of inspect's post-mortems have the user's own flags", async () => {
    const cluster = await startTestCluster();
    putJob(cluster, "job-1", { run: runId(1), pod: { phase: "Pending" } });
    const { stdout } = await cluster.cli(["inspect", runId(1), "--context", "fake"]);
    expect(stdout).toContain("Hint: look at the node with: kubectl describe node node-1 --context fake\n");
  });

  it("of the agent create a namespace or permissions in the user's cluster, and no agent", async () => {
    const { fake, cli } = await startTestCluster();
    const { prefect } = await everyRun();
    const start = ["agent", "start", "--context", "fake", "-b", "server", "-a", prefect.url];
    const missing = await cli([...start, "-n", "nosuch"]);
    expect(commandsIn(missing.stderr)).toEqual(["kubectl create namespace nosuch --context fake"]);
    fake.forbid({ verbs: ["create"], resources: ["jobs"] });
    const forbidden = await cli([...start, "-n", "default"]);
    expect(forbidden.stderr).toContain('let an administrator bind "admin" to the Role that this prints: ');
    const [print = "", ...others] = commandsIn(forbidden.stderr);
    expect(others).toEqual([]);
    const { stdout, exitCode } = await cli(print.replace("kubectl prefect ", "").split(" "));
    expect(exitCode).toBe(0);
    const kinds = [...stdout.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind);
    expect(new Set(kinds)).toEqual(new Set(["ServiceAccount", "Role", "RoleBinding"]));
  });
});

describe("withOwnFlags", () => {
  const own = ownFlags({ context: "my prod" }, { backend: undefined, api: undefined, tenantId: undefined });

  it.each([
    { hint: "check the URL", want: "check the URL" },
    {
      hint: "see: kubectl prefect jobs; or wait",
      want: "see: kubectl prefect jobs -n flows --context 'my prod'; or wait",
    },
    { hint: "see: kubectl prefect jobs -A", want: "see: kubectl prefect jobs -A --context 'my prod'" },
    {
      hint: "grant it with: kubectl prefect install --rbac-only -n x | kubectl apply -f -",
      want: "grant it with: kubectl prefect install --rbac-only -n x | kubectl apply -f - --context 'my prod'",
    },
  ])("completes $hint", ({ hint, want }) => {
    expect(withOwnFlags(hint, own, "-n flows")).toBe(want);
  });

  it("leaves -A out for doctor, which does not take it", () => {
    const hint = "check it with: kubectl prefect doctor";
    expect(withOwnFlags(hint, own, "-A")).toBe(`${hint} --context 'my prod'`);
  });
});
