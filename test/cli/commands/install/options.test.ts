// Every option of install has an effect: options of `agent start` reach the agent, the others change the manifests. A table
// without a row for each option does not compile.

import { Cli } from "clipanion";
import { beforeAll, describe, expect, it } from "vitest";
import { commandMetadata } from "../../../../src/cli/help/command-metadata.ts";
import { AgentStartCommand } from "../../../../src/cli/commands/agent-start/command.ts";
import { InstallCommand } from "../../../../src/cli/commands/install/command.ts";
import type { CliContext } from "../../../../src/cli/context.ts";
import { AGENT_OPTIONS } from "../../../../src/agent/options.ts";
import { loadPrefectConfig } from "../../../../src/prefect1/config/load.ts";
import { jobSettings } from "../../../../src/prefect1/config/job-settings.ts";
import { INSTALL_OPTIONS } from "../../../../src/install/options.ts";
import { documentsIn } from "../../../install/support/manifests.ts";
import { runCli } from "../../../support/run-cli.ts";

/** The value of the flag, and the value that the agent must read. */
interface Example {
  readonly value?: string;
  readonly read: unknown;
}

const FILES = {
  "job.yaml": "spec: {template: {spec: {}}}",
  "config.toml": '[cloud.agent]\nlevel = "DEBUG"\n',
};

const PASSED: Readonly<Record<keyof typeof AGENT_OPTIONS, Example>> = {
  labels: { value: "-odd", read: ["-odd"] },
  env: { value: "A=$(B)=c", read: ["A=$(B)=c"] },
  noCloudLogs: { read: true },
  keySecret: { value: "mine:token", read: "mine:token" },
  jobTemplate: { value: "s3://bucket/job.yaml", read: "s3://bucket/job.yaml" },
  serviceAccountName: { value: "flows", read: "flows" },
  imagePullSecrets: { value: "a, b", read: "a,b" },
  safeToEvict: { read: true },
  noDaskName: { read: true },
  name: { value: "night shift", read: "night shift" },
  agentConfigId: { value: "c-1", read: "c-1" },
  logLevel: { value: "critical", read: "CRITICAL" },
  logFormat: { value: "json", read: "json" },
  limit: { value: "5", read: "5" },
  concurrency: { value: "6", read: "6" },
  startGrace: { value: "1m", read: "1m" },
  passingGrace: { value: "20m", read: "20m" },
  pendingTimeout: { value: "2h", read: "2h" },
  onDisruption: { value: "retry", read: "retry" },
  cancelGrace: { value: "0", read: "0" },
  deleteSucceededAfter: { value: "never", read: "never" },
  deleteFailedAfter: { value: "1h30m", read: "1h30m" },
  disableJobDeletion: { read: true },
  leaderElect: { read: true },
  shutdownGrace: { value: "10s", read: "10s" },
};

/** --inline-key has an effect only with an API key. */
const OWN: Readonly<Record<keyof typeof INSTALL_OPTIONS, string | undefined>> = {
  rbacOnly: undefined,
  namespace: "flows",
  inlineKey: undefined,
  configToml: "config.toml",
  imagePullPolicy: "Always",
  memRequest: "1Gi",
  memLimit: "2Gi",
  cpuRequest: "1",
  cpuLimit: "2",
  agent: "python",
  image: "registry.example.com/agent:v1",
  latest: undefined,
  agentImagePullPolicy: "Never",
  agentMemRequest: "1Gi",
  agentMemLimit: "1Gi",
  agentCpuRequest: "1",
  agentCpuLimit: "2",
  replicas: "2",
  resourceManager: undefined,
};

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

async function install(argv: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCli(["install", "-k", "KEY", ...argv], { files: FILES });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
}

function containerIn(printed: string): Container {
  const deployment = documentsIn(printed).at(-1) as {
    spec: { template: { spec: { containers: Container[] } } };
  };
  const [container] = deployment.spec.template.spec.containers;
  if (container === undefined) throw new Error("no container");
  return container;
}

/** `$$` in a manifest as Kubernetes passes it to the container. */
function asKubernetesHandsIt(word: string): string {
  return word.replaceAll("$$", "$");
}

/** The arguments as clipanion passes them to the command. */
function parsed(words: readonly string[]): AgentStartCommand {
  const cli = new Cli<CliContext>();
  cli.register(AgentStartCommand);
  const command = cli.process([...words], {} as CliContext);
  if (!(command instanceof AgentStartCommand)) throw new Error("not agent start");
  return command;
}

function typed({ flag }: { readonly flag: string }, value: string | undefined): string[] {
  return value === undefined ? [flag] : [`${flag}=${value}`];
}

let plain: string;

beforeAll(async () => {
  plain = await install([]);
});

describe("install accepts the options of agent start", () => {
  it.each(Object.keys(AGENT_OPTIONS) as (keyof typeof AGENT_OPTIONS)[])("%s", async (name) => {
    const { value, read } = PASSED[name];
    const key = name === "keySecret" ? [] : ["-k", "KEY"];
    const argv = ["install", ...key, ...typed(AGENT_OPTIONS[name], value)];
    const { stdout } = await runCli(argv);
    const words = containerIn(stdout).args.map(asKubernetesHandsIt);
    const { job, work } = parsed(words);
    expect({ ...job, ...work }[name]).toEqual(read);
    // The agent accepts it: it fails only because there is no cluster.
    const { stderr, exitCode } = await runCli([...words, "--kubeconfig", "/absent"], {
      env: { PREFECT__BACKEND: "server" },
    });
    expect(stderr).toMatch(/^error: cannot read kubeconfig "\/absent": no such file/);
    expect(exitCode).toBe(2);
  });

  it("except those that are useless in a pod", () => {
    const [start = [], printed = []] = commandMetadata([AgentStartCommand, InstallCommand]).map(
      ({ options }) => options.map(({ flag }) => flag),
    );
    const cluster = ["--kubeconfig", "--context", "--cluster", "--user", "--server", "--as", "--as-group"];
    const tls = ["--certificate-authority", "--tls-server-name", "--insecure-skip-tls-verify"];
    const unneeded = [...cluster, ...tls, "--as-uid", "--request-timeout", "--max-polls", "--agent-address"];
    expect(start.filter((flag) => !printed.includes(flag)).sort()).toEqual(unneeded.sort());
  });
});

describe("every option that only install has changes the output", () => {
  it.each(Object.keys(OWN) as (keyof typeof INSTALL_OPTIONS)[])("%s", async (name) => {
    expect(await install(typed(INSTALL_OPTIONS[name], OWN[name]))).not.toBe(plain);
  });
});

describe("the agent reads the variables that install sets", () => {
  it("for the Prefect API and the defaults of flow Jobs", async () => {
    const where = "-b server -a http://apollo:4200 --tenant-id 0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001";
    const jobs = "--mem-request 1Gi --mem-limit 2Gi --cpu-request 1 --cpu-limit 2 --image-pull-policy Never";
    const printed = await install(`${where} ${jobs} --inline-key`.split(" "));
    const env = Object.fromEntries(containerIn(printed).env.map(({ name, value }) => [name, value]));
    const config = loadPrefectConfig({ env, readFile: () => undefined });
    expect(jobSettings(config, { namespace: "flows" })).toMatchObject({
      apiUrl: "http://apollo:4200",
      backend: "server",
      apiKey: "KEY",
      tenantId: "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001",
      imagePullPolicy: "Never",
      resources: { memoryRequest: "1Gi", memoryLimit: "2Gi", cpuRequest: "1", cpuLimit: "2" },
    });
  });
});
