// render: the Job that the agent would create, compared with what the original agent made of the same flow runs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isObject } from "../../../../src/base/json.ts";
import type { JsonObject } from "../../../../src/base/json.ts";
import { commandMetadata } from "../../../../src/cli/help/command-metadata.ts";
import { COMMANDS } from "../../../../src/cli/program.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliResult } from "../../../support/run-cli.ts";

interface GoldenCase {
  readonly name: string;
  readonly flow_run: JsonObject;
  readonly agent: {
    readonly service_account_name?: string;
    readonly image_pull_secrets?: readonly string[];
    readonly env_vars?: Readonly<Record<string, string>>;
    readonly no_cloud_logs?: boolean;
    readonly labels?: readonly string[];
  };
  readonly environ: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
  readonly agent_template: JsonObject | null;
  readonly expected: JsonObject | null;
  readonly error: string | null;
}

const GOLDEN = JSON.parse(
  readFileSync(new URL("../../../golden/original/jobs.json", import.meta.url), "utf8"),
) as GoldenCase[];
const BUILT = GOLDEN.filter(({ error }) => !error);
const REFUSED = GOLDEN.filter(({ error }) => error);
const RUN = GOLDEN.find(({ name }) => name === "default KubernetesRun")!.flow_run;
const THEIRS = "01234567";
const SERVER = { PREFECT__BACKEND: "server", PREFECT__CLOUD__API: "http://prefect.example:4200" };

let directory = "";
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), "render-"))));
afterAll(() => rmSync(directory, { recursive: true }));

/** A golden case as a command line. Labels come from the configuration, because labels from flags are sorted. */
function render(given: GoldenCase, more: readonly string[] = []): Promise<CliResult> {
  const { agent, config, agent_template: template } = given;
  const argv = ["render", "-f", "run.json", ...more];
  if (agent.service_account_name) argv.push("--service-account-name", agent.service_account_name);
  if (agent.image_pull_secrets) argv.push("--image-pull-secrets", agent.image_pull_secrets.join(","));
  for (const [name, value] of Object.entries(agent.env_vars ?? {})) argv.push("--env", `${name}=${value}`);
  if (agent.no_cloud_logs) argv.push("--no-cloud-logs");
  if (template !== null) {
    const path = join(directory, "template.yaml");
    writeFileSync(path, JSON.stringify(template));
    argv.push("--job-template", path);
  }
  const configured = Object.entries(config).map(([key, value]) => [
    `PREFECT__${key.toUpperCase().replaceAll(".", "__")}`,
    value,
  ]);
  const labels = agent.labels && { PREFECT__CLOUD__AGENT__LABELS: JSON.stringify(agent.labels) };
  return runCli(argv, {
    env: { ...SERVER, ...given.environ, ...Object.fromEntries(configured), ...labels },
    files: { "run.json": JSON.stringify(given.flow_run) },
  });
}

/** The Job, with the original's identifier instead of ours, which is derived from the run. */
function jobIn(stdout: string): JsonObject {
  const job = parse(stdout) as { metadata: { labels: Record<string, string> } };
  const ours = job.metadata.labels["prefect.io/identifier"]!;
  return JSON.parse(JSON.stringify(job).replaceAll(ours, THEIRS)) as JsonObject;
}

/** The differences between the expected and the actual value; variables are compared by name. */
function differences(expected: unknown, actual: unknown, path = ""): string[] {
  if (Array.isArray(expected) && path.endsWith(".env")) {
    return differences(byName(expected), byName(actual), `${path}{}`);
  }
  if (Array.isArray(expected)) {
    const list = Array.isArray(actual) ? actual : [];
    if (list.length !== expected.length) return [`${path}: ${list.length} items, not ${expected.length}`];
    return expected.flatMap((item, at) => differences(item, list[at], `${path}[${at}]`));
  }
  if (isObject(expected) && isObject(actual)) {
    return Object.keys(expected).flatMap((key) => differences(expected[key], actual[key], `${path}.${key}`));
  }
  return Object.is(expected, actual)
    ? []
    : [`${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
}

function byName(env: unknown): JsonObject {
  const list = env as { name: string; value?: string | number; valueFrom?: unknown }[];
  // Kubernetes accepts only strings; the original passes numbers, which fail there.
  return Object.fromEntries(
    list.map(({ name, value, valueFrom }) => [name, valueFrom ?? String(value ?? "")]),
  );
}

describe("render prints the original agent's Job", () => {
  it("for at least 20 cases", () => expect(BUILT.length).toBeGreaterThanOrEqual(20));

  it.each(BUILT)("$name", async (given) => {
    const { stdout, exitCode } = await render(given);
    expect(exitCode).toBe(0);
    expect(differences(given.expected, jobIn(stdout))).toEqual([]);
  });

  it.each(BUILT)("$name: the Job is the same in JSON and with --explain", async (given) => {
    const plain = parse((await render(given)).stdout) as unknown;
    expect(JSON.parse((await render(given, ["-ojson"])).stdout)).toEqual(plain);
    expect(parse((await render(given, ["--explain"])).stdout)).toEqual(plain);
    expect(JSON.parse((await render(given, ["--explain", "-o", "json"])).stdout)).toMatchObject({
      job: plain,
    });
  });

  it.each(REFUSED)("and rejects what the original rejects: $name", async (given) => {
    const { stdout, stderr, exitCode } = await render(given);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toMatch(/^error: (?:Flow run 1{8}-|cannot use job template "job_template of flow run)/);
  });
});

describe("render -f", () => {
  const files = { "run.json": JSON.stringify(RUN) };
  const kubeconfig = (namespace: string): string =>
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { namespace } }],
    });
  const template = (namespace: string): JsonObject => ({
    metadata: { namespace },
    spec: { template: { spec: {} } },
  });

  // An agent rejects a template with another namespace; the error shows the namespace that was chosen.
  it.each([
    { name: "the flag", argv: ["-n", "mine"], env: { NAMESPACE: "variable" }, want: "mine" },
    { name: "NAMESPACE", argv: [], env: { NAMESPACE: "variable" }, want: "variable" },
    { name: "the context", argv: [], env: {}, want: "context" },
    {
      name: "default, without a kubeconfig",
      argv: [],
      env: { KUBECONFIG: "/nowhere/config" },
      want: "default",
    },
  ])("uses the namespace from $name", async ({ argv, env, want }) => {
    const testCluster = { env, files: { ...files, "/home/user/.kube/config": kubeconfig("context") } };
    const run = (namespace: string): Promise<CliResult> => {
      const path = join(directory, `${namespace}.json`);
      writeFileSync(path, JSON.stringify(template(namespace)));
      return runCli(["render", "-f", "run.json", "--job-template", path, ...argv], testCluster);
    };
    expect(await run(want)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run("elsewhere")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`\`${want}\``) as string,
    });
  });

  it("reads standard input", async () => {
    const fromFile = await runCli(["render", "-f", "run.json"], { files });
    expect(await runCli(["render", "-f", "-"], { stdin: JSON.stringify(RUN) })).toEqual(fromFile);
    const stdin = Buffer.from([0xe9]);
    expect((await runCli(["render", "-f", "-"], { stdin })).stderr).toMatch(
      /^error: cannot read flow run "-": it is not UTF-8\n/,
    );
  });

  it.each([
    { what: "a list", answer: { data: { flow_run: [RUN] } } },
    { what: "an object", answer: { data: { flow_run_by_pk: RUN } } },
  ])("reads a whole answer of the API with $what", async ({ answer }) => {
    const fromFile = await runCli(["render", "-f", "run.json"], { files });
    expect(await runCli(["render", "-f", "-"], { stdin: JSON.stringify(answer) })).toEqual(fromFile);
  });

  it("refuses an answer with several flow runs", async () => {
    const stdin = JSON.stringify({ data: { flow_run: [RUN, RUN] } });
    expect((await runCli(["render", "-f", "-"], { stdin })).stderr).toMatch(
      /^error: cannot read flow run "-": [^\n]+\nhint: the file must contain one flow run/,
    );
  });

  it("reads a template from standard input, and from a pipe", async () => {
    const text = "spec: {template: {spec: {nodeName: node-7}}}";
    const argv = ["render", "-f", "run.json", "--job-template"];
    const fromPipe = await runCli([...argv, "/dev/fd/63"], { files: { ...files, "/dev/fd/63": text } });
    expect(fromPipe.stdout).toContain("nodeName: node-7");
    expect(await runCli([...argv, "-"], { files, stdin: text })).toEqual(fromPipe);
  });

  it("stops reading when it is interrupted", async () => {
    const signal = AbortSignal.abort();
    expect(await runCli(["render", "-f", "-"], { stdin: "{}", signal })).toMatchObject({ exitCode: 130 });
  });

  it.each([
    { name: "JOB_MEM_LIMIT", value: "1GB", problem: "not a memory quantity" },
    { name: "SERVICE_ACCOUNT_NAME", value: "a b", problem: "not one ServiceAccount's name" },
    { name: "NAMESPACE", value: "My_NS", problem: "not a namespace" },
  ])("refuses $name=$value, with which no agent starts", async ({ name, value, problem }) => {
    const { stderr, exitCode } = await runCli(["render", "-f", "run.json"], {
      files,
      env: { [name]: value },
    });
    expect(stderr).toContain(`cannot read ${name} "${value}": ${problem}`);
    expect(exitCode).toBe(2);
  });

  it("warns only if the Job contains the API key", async () => {
    const argv = ["render", "-f", "run.json", "-k", "KEY-IN-JOB"];
    const inJob = await runCli(argv, { files });
    expect(inJob.stderr).toMatch(/^warning: the Job contains the API key/);
    expect(inJob.stderr).not.toContain("KEY-IN-JOB");
    const inSecret = await runCli([...argv, "--key-secret", "prefect-key"], { files });
    expect(inSecret.stderr).toBe("");
    expect(inSecret.stdout).not.toContain("KEY-IN-JOB");
  });

  it("needs only the ids and the storage of a flow run", async () => {
    const flow = { id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", storage: { type: "Local" } };
    const run = { id: "11111111-2222-4333-8444-555555555555", flow };
    const { stdout, stderr } = await runCli(["render", "-f", "-"], { stdin: JSON.stringify(run) });
    expect(stderr).toBe("");
    expect(jobIn(stdout)).toMatchObject({ metadata: { name: `prefect-job-${THEIRS}` } });
  });
});

describe("render accepts each option of agent start", () => {
  const commands = commandMetadata(COMMANDS);
  const options = commands.find(({ name }) => name === "agent start")?.options ?? [];
  const values: Readonly<Record<string, string>> = {
    "--env": "A=b",
    "--request-timeout": "5s",
    "--backend": "server",
    "--job-template": new URL("../../../../package.json", import.meta.url).pathname,
    "--kubeconfig": "kubeconfig",
    "--context": "c",
    "--cluster": "c",
    "--user": "c",
    "--tenant-id": "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001",
  };

  it.each(options)("$flag", async ({ flag, value }) => {
    const argv = value === "required" ? [flag, values[flag] ?? "1"] : [flag];
    const { stderr } = await runCli(["render", "-f", "run.json", ...argv], {
      files: {
        "run.json": JSON.stringify(RUN),
        kubeconfig: "{}",
        "/home/user/.kube/config":
          "{contexts: [{name: c, context: {}}], clusters: [{name: c, cluster: {}}], users: [{name: c, user: {}}]}",
      },
    });
    expect(
      stderr.replace(/^(?:warning: the Job contains|error: cannot use job template).*\n(?:hint: .*\n)?/, ""),
    ).toBe("");
  });
});

describe("render --explain", () => {
  it("adds the source of each value as a comment", async () => {
    const run = { ...RUN, run_config: { type: "KubernetesRun", image: "mine:1", env: { A: "b" } } };
    const { stdout } = await runCli(["render", "-f", "-", "--explain", "--service-account-name", "sa"], {
      stdin: JSON.stringify(run),
    });
    expect(stdout.split("\n")[0]).toBe(
      "# Flow run quick-fox (11111111-2222-4333-8444-555555555555), template: default",
    );
    expect(stdout).toMatch(/^ +image: mine:1 +# run config$/m);
    expect(stdout).toMatch(/^ +value: b +# run config$/m);
    expect(stdout).toMatch(/^ +serviceAccountName: sa +# agent option$/m);
    expect(stdout).toMatch(/^ +prefect.io\/flow_run_id: .+ +# forced$/m);
    expect(stdout).toMatch(/^ +backoffLimit: 0 +# default$/m);
  });

  it("keeps multi-line strings unchanged", async () => {
    const script = 'set -e\n  # template\nexec "$@"\n';
    const container = { name: "flow", command: ["sh", "-c", script] };
    const run_config = {
      type: "KubernetesRun",
      job_template: { spec: { template: { spec: { containers: [container] } } } },
    };
    const { stdout } = await runCli(["render", "-f", "-", "--explain"], {
      stdin: JSON.stringify({ ...RUN, run_config }),
    });
    expect(parse(stdout)).toMatchObject({
      spec: { template: { spec: { containers: [{ command: ["sh", "-c", script] }] } } },
    });
    expect(stdout).toMatch(/^ +- \|.* +# template$/m);
  });
});
