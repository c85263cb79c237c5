// install: Prefect's own manifests, values from the configuration, and where the API key goes.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentsIn } from "../../../install/support/manifests.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliInput } from "../../../support/run-cli.ts";

interface GoldenCase {
  readonly name: string;
  readonly args: readonly string[];
  readonly expected_yaml: string;
}

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const GOLDEN = ["install", "install-more"].flatMap((name) => {
  const text = readFileSync(new URL(`../../../golden/original/${name}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as GoldenCase[];
});
const KEY = "KEY-OF-THE-TEST";
const SERVER = { PREFECT__BACKEND: "server", PREFECT__CLOUD__API: "http://apollo:4200" };

/** Most tests here need no key. */
const NO_KEY = /^warning: the agent has no API key.*\n/;

async function installed(argv: readonly string[], input: CliInput = {}): Promise<readonly Printed[]> {
  const { stdout, stderr: all, exitCode } = await runCli(["install", ...argv], input);
  const stderr = all.replace(NO_KEY, "");
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return documentsIn(stdout) as Printed[];
}

/** The agent's container, variables by name. */
function agentIn(printed: readonly Printed[]): { readonly args: readonly string[]; readonly env: unknown } {
  const deployment = printed.find(({ kind }) => kind === "Deployment") as unknown as {
    spec: {
      template: { spec: { containers: { args: string[]; env: { name: string; value?: string }[] }[] } };
    };
  };
  const { args, env } = deployment.spec.template.spec.containers[0]!;
  return { args, env: Object.fromEntries(env.map(({ name, value }) => [name, value])) };
}

const ROLES = ["Role", "RoleBinding", "Role", "RoleBinding"];

describe("install --agent python", () => {
  it.each(GOLDEN)("prints what the original prints: $name", async ({ args, expected_yaml }) => {
    expect(await installed(["--agent", "python", ...args])).toEqual(documentsIn(expected_yaml));
  });

  it("reads only the backend from the configuration, as the original does", async () => {
    const tenant = "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001";
    const env = { ...SERVER, PREFECT__CLOUD__API_KEY: KEY, PREFECT__CLOUD__TENANT_ID: tenant };
    expect(agentIn(await installed(["--agent=python"], { env })).env).toMatchObject({
      PREFECT__CLOUD__API_KEY: "",
      PREFECT__CLOUD__TENANT_ID: "",
      PREFECT__BACKEND: "server",
      PREFECT__CLOUD__API: "https://api.prefect.io",
    });
  });

  it("keeps the tenant id as it was typed", async () => {
    const tenant = "3F2504E0-4F89-11D3-9A0C-0305E82C3301";
    expect(agentIn(await installed(["--agent=python", "--tenant-id", tenant])).env).toMatchObject({
      PREFECT__CLOUD__TENANT_ID: tenant,
    });
  });
});

describe("install", () => {
  it.each([
    { argv: ["install"] },
    { argv: ["agent", "install"] },
    { argv: ["agent", "kubernetes", "install"] },
    { argv: ["agent", "install", "kubernetes"] },
  ])("is also called $argv", async ({ argv }) => {
    const { stdout, exitCode } = await runCli([...argv, "--label", "k8s"]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe((await runCli(["install", "--label", "k8s"])).stdout);
  });

  it("reads a file from standard input", async () => {
    const text = "spec: {template: {spec: {}}}\n";
    const stdin = await installed(["--job-template", "-"], { stdin: text });
    expect(stdin).toEqual(await installed(["--job-template", "t.yaml"], { files: { "t.yaml": text } }));
    expect(stdin.map(({ kind }) => kind)).toContain("ConfigMap");
  });

  it("prints one List as JSON", async () => {
    const { stdout } = await runCli(["install", "--rbac", "-ojson"]);
    const items = [...ROLES, "Deployment"].map((kind) => ({ kind }));
    expect(JSON.parse(stdout)).toMatchObject({ kind: "List", items });
  });

  it("writes the namespace of -n into every object, otherwise none", async () => {
    const places = (printed: readonly Printed[]): unknown[] => [
      ...new Set(printed.map(({ metadata }) => metadata.namespace)),
    ];
    expect(places(await installed(["-n", "flows", "--rbac", "-k", KEY]))).toEqual(["flows"]);
    expect(places(await installed(["--rbac", "-k", KEY]))).toEqual([undefined]);
  });

  it.each([
    { argv: [], want: ["Deployment"] },
    { argv: ["--rbac"], want: [...ROLES, "Deployment"] },
    { argv: ["--rbac=minimal"], want: ["ServiceAccount", ...ROLES, "Deployment"] },
    { argv: ["--rbac-only"], want: ROLES },
    { argv: ["--rbac=minimal", "--rbac-only"], want: ["ServiceAccount", ...ROLES] },
    { argv: ["-k", KEY], want: ["Secret", "Deployment"] },
    { argv: ["--job-template", "job.yaml"], want: ["ConfigMap", "Deployment"] },
    { argv: ["--job-template", "s3://bucket/job.yaml"], want: ["Deployment"] },
    { argv: ["--config-toml", "config.toml"], want: ["ConfigMap", "Deployment"] },
  ])("prints $want for $argv", async ({ argv, want }) => {
    const files = {
      "job.yaml": "spec: {template: {spec: {}}}",
      "config.toml": '[cloud.agent]\nlevel = "DEBUG"\n',
    };
    expect((await installed(argv, { files })).map(({ kind }) => kind)).toEqual(want);
  });

  it("passes each option to the agent", async () => {
    const argv = [
      "--limit",
      "5",
      "-e",
      "A=b",
      "-i",
      "one,two",
      "--start-grace=1m",
      "--no-dask-name",
      "--name",
      "n",
    ];
    expect(agentIn(await installed(argv)).args).toEqual([
      "agent",
      "start",
      "--agent-address=http://:8080",
      "--env=A=b",
      "--image-pull-secrets=one,two",
      "--no-dask-name",
      "--name=n",
      "--limit=5",
      "--start-grace=1m",
    ]);
  });

  it("reads address, backend and tenant from the configuration unless flags set them", async () => {
    const env = { ...SERVER };
    expect(agentIn(await installed([], { env })).env).toMatchObject(SERVER);
    expect(agentIn(await installed(["-a", "http://other:4200"], { env })).env).toMatchObject({
      PREFECT__CLOUD__API: "http://other:4200",
    });
  });

  it.each([
    { argv: ["-b", "cloud"] },
    { argv: ["-b", "server", "--agent", "python"], env: { PREFECT__CLOUD__API: "https://api.prefect.io" } },
  ])("does not print a default address: $argv", async ({ argv, env = {} }) => {
    const { PREFECT__CLOUD__API: address } = agentIn(await installed(argv)).env as Record<string, string>;
    expect({ ...(address && { PREFECT__CLOUD__API: address }) }).toEqual(env);
  });

  it("refuses a config.toml with an address that ends the agent", async () => {
    const argv = ["install", "-k", KEY, "--config-toml", "config.toml"];
    const withApi = (api: string): CliInput => ({ files: { "config.toml": `[cloud]\napi = "${api}"\n` } });
    expect(await runCli(argv, withApi("apollo:4200"))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        'cannot read config.toml [cloud] api "apollo:4200": not an http',
      ) as string,
    });
    expect(await runCli(argv, withApi("$APOLLO"))).toMatchObject({ exitCode: 0 });
  });

  it("does not set the address if the agent's config.toml has one", async () => {
    const files = { "config.toml": '[cloud]\napi = "http://inside:4200"\n' };
    const { env } = agentIn(await installed(["--config-toml", "config.toml"], { env: SERVER, files }));
    expect(env).not.toHaveProperty("PREFECT__CLOUD__API");
  });

  describe("with a config.toml that names its API, on a machine that is logged in to another", () => {
    const machine = {
      "/home/user/.prefect/auth.toml": `["api.prefect.io"]\napi_key = "${KEY}"\ntenant_id = "11111111-1111-4111-8111-111111111111"\n`,
      "/home/user/.prefect/backend.toml": 'backend = "cloud"\n',
    };

    it("takes neither key, nor tenant, nor backend from the machine", async () => {
      const files = { ...machine, "c.toml": 'backend = "server"\n[server]\nhost = "http://apollo"\n' };
      const { stdout, stderr } = await runCli(["install", "--config-toml", "c.toml"], { files });
      expect(stdout).not.toMatch(/Secret|PREFECT__BACKEND|TENANT|API_KEY/);
      expect(stderr).toBe("");
    });

    it("takes them if it is the same API", async () => {
      const files = { ...machine, "c.toml": 'backend = "cloud"\n' };
      const { stdout } = await runCli(["install", "--config-toml", "c.toml"], { files });
      expect(stdout).toMatch(/PREFECT__CLOUD__TENANT_ID/);
      expect(stdout).toMatch(/secretKeyRef/);
    });

    it.each([
      { backend: "server", api: "http://apollo:4200" },
      { backend: "cloud", api: "https://prefect.corp/api" },
    ])("takes the machine's where only --backend $backend names one", async ({ backend, api }) => {
      const files = { "c.toml": '[cloud.agent]\nlevel = "DEBUG"\n' };
      const env = { PREFECT__CLOUD__API: api, PREFECT__CLOUD__API_KEY: KEY };
      const argv = ["install", "-b", backend, "--config-toml", "c.toml"];
      const { stdout, stderr } = await runCli(argv, { files, env });
      expect(stdout).toContain(api);
      expect(stdout).toMatch(/secretKeyRef/);
      expect(stderr).toBe("");
    });

    it.each([
      { toml: '[cloud.agent]\nlevel = "DEBUG"\n', want: /no API key for Prefect Cloud/ },
      { toml: 'backend = "server"\n', want: /localhost:4200 in a pod is the pod itself/ },
    ])("warns of what is missing beside $toml", async ({ toml, want }) => {
      const files = { "c.toml": toml };
      expect((await runCli(["install", "--config-toml", "c.toml"], { files })).stderr).toMatch(want);
    });
  });

  it("names the agent to cleanup as its own config.toml does", async () => {
    const files = { "config.toml": '[cloud.agent]\nname = "night"\nlabels = ["k8s", "gpu"]\n' };
    const argv = ["install", "--config-toml", "config.toml", "--resource-manager"];
    const { stdout } = await runCli(argv, { files });
    expect(stdout).toContain("- --agent=night\n        - --agent-label=k8s\n        - --agent-label=gpu\n");
  });

  it.each([
    { name: "--key", argv: ["-k", KEY], input: {} },
    { name: "PREFECT__CLOUD__API_KEY", argv: [], input: { env: { PREFECT__CLOUD__API_KEY: KEY } } },
    {
      name: "auth.toml",
      argv: [],
      input: { files: { "/home/user/.prefect/auth.toml": `["api.prefect.io"]\napi_key = "${KEY}"\n` } },
    },
  ])("writes the API key of $name into the Secret only", async ({ argv, input }) => {
    const printed = await installed(argv, input);
    const holding = printed.filter((object) => JSON.stringify(object).includes(KEY));
    expect(holding.map(({ kind }) => kind)).toEqual(["Secret"]);
  });

  it("does not create a second Secret when --key-secret names one", async () => {
    const printed = await installed(["--key-secret", "mine"], { env: { PREFECT__CLOUD__API_KEY: KEY } });
    expect(printed.map(({ kind }) => kind)).toEqual(["Deployment"]);
    expect(JSON.stringify(printed)).not.toContain(KEY);
  });

  it.each([
    { argv: [], warns: true },
    { argv: ["--rbac-only", "--rbac"], warns: false },
    { argv: ["-k", "KEY-OF-THE-TEST"], warns: false },
    { argv: ["--key-secret", "prefect"], warns: false },
    { argv: ["-b", "server", "-a", "http://apollo:4200"], warns: false },
  ])("says with $argv whether the agent lacks an API key", async ({ argv, warns }) => {
    const { stderr, exitCode } = await runCli(["install", ...argv]);
    expect({ warns: NO_KEY.test(stderr), exitCode }).toEqual({ warns, exitCode: 0 });
  });

  it.each([
    ["http://me:hunter2@localhost:4200", true],
    ["http://0.0.0.0:4200", true],
    ["http://[::1]:4200", true],
    ["http://localhost.example.com:4200", false],
    ["http://127.example.com", false],
  ])("warns about %s, if in a pod that is the pod itself: %s", async (api, isPod) => {
    const { stderr } = await runCli(["install", "-b", "server", "-a", api]);
    expect(stderr.includes("in a pod is the pod itself")).toBe(isPod);
  });

  it.each([
    { argv: ["-a", "https://me:hunter2@prefect.example.com"], what: "Prefect API" },
    { argv: ["--config-toml", "c.toml"], what: "Prefect API", where: "ConfigMap" },
    {
      argv: ["-a", "https://prefect.example.com", "--job-template", "https://me:hunter2@example.com/t.yaml"],
      what: "job template",
    },
  ])(
    "warns that the password in the address of the $what is no secret",
    async ({ argv, what, where = "Deployment" }) => {
      const files = { "c.toml": '[cloud]\napi = "https://me:hunter2@prefect.example.com"\n' };
      const { stderr, exitCode } = await runCli(["install", "-b", "server", ...argv], { files });
      expect(exitCode).toBe(0);
      expect(stderr).toBe(
        `warning: the password in the address of the ${what} is in the ${where} in plain text\n`,
      );
    },
  );

  it("warns about an address that in a pod is the pod itself", async () => {
    const { stderr, exitCode } = await runCli(["install", "-a", "http://localhost:4200"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^warning: http:\/\/localhost:4200 in a pod is the pod itself/);
  });

  it.each([
    { argv: ["-b", "server"], want: /^error: cannot use --backend "server": .*\nhint: .*--api/ },
    {
      argv: ["--job-template", "nosuch.yaml"],
      want: /^error: cannot read job template "nosuch.yaml": no such file\nhint: /,
    },
    {
      argv: ["--job-template", "list.yaml"],
      want: /^error: cannot use job template "list.yaml": it is a list, not a Job\nhint: /,
    },
    {
      argv: ["--config-toml", "bad.toml"],
      want: /^error: cannot read "bad.toml": .* at line 1, column \d+\nhint: /,
    },
    {
      argv: ["--config-toml", "key.toml"],
      want: /^error: cannot use configuration "key.toml": .*\nhint: .*--key/,
    },
    { argv: ["--rbac=maximal"], want: /^error: cannot read --rbac "maximal"\nhint: / },
    { argv: ["-o", "table"], want: /^error: cannot read -o "table": unknown output format\nhint: / },
    { argv: ["--label", ""], want: /^error: cannot read --label .*\nhint: / },
    { argv: ["--env", "A"], want: /^error: cannot read --env "A": not NAME=VALUE\nhint: / },
    {
      argv: ["--start-grace", "soon"],
      want: /^error: cannot read --start-grace "soon": not a duration\nhint: /,
    },
    { argv: ["--replicas", "many"], want: /^error: cannot read --replicas "many": not a whole number/ },
    { argv: ["--key", "two words"], want: /^error: cannot read --key flag: (?!.*two words)/ },
    { argv: ["--image", "a b"], want: /^error: cannot read --image "a b": not one image\nhint: / },
  ])("rejects $argv", async ({ argv, want }) => {
    const files = { "list.yaml": "- a\n", "bad.toml": "a b\n", "key.toml": `[cloud]\napi_key = "${KEY}"\n` };
    const { stdout, stderr, exitCode } = await runCli(["install", ...argv], { files });
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toMatch(want);
    expect(stderr).not.toContain(KEY);
  });
});
