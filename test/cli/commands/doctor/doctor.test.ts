// kubectl prefect doctor: what it finds in the cluster and in Prefect, and that it checks one if the other is unreachable.

import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { systemClock } from "../../../../src/base/clock.ts";
import type { JsonObject } from "../../../../src/base/json.ts";
import { connectKube } from "../../../../src/kube/client/connect.ts";
import { connectPrefect } from "../../../../src/prefect1/connect.ts";
import { newState } from "../../../../src/prefect1/states.ts";
import { startFakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../../fakes/prefect1/fake-prefect1.ts";
import { ended, POD, putJob, runId } from "../../../inventory/test-cluster.ts";
import { fakePrefect3 } from "../../../support/prefect3.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliResult, CliInput } from "../../../support/run-cli.ts";

const KEY = "pcu_doctor_secret";
const NAMESPACE = "flows";
const AGENT = "system:serviceaccount:flows:prefect-agent";
const MINUTE_MS = 60_000;

interface TestCluster {
  readonly kube: FakeKubernetes;
  readonly prefect: FakePrefect1;
  /** `kubectl prefect doctor ARGV…`; fails if the output contains the API key. */
  readonly doctor: (
    argv?: readonly string[],
    input?: CliInput & { readonly token?: string },
  ) => Promise<CliResult>;
}

interface Report {
  readonly status: string;
  readonly summary: Readonly<Record<string, number>>;
  readonly findings: readonly (JsonObject & {
    section: string;
    check: string;
    status: string;
    message: string;
  })[];
}

/** A cluster, and a Prefect server whose address is configured. */
async function startTestCluster(options: FakePrefect1Options = {}): Promise<TestCluster> {
  const tokens = { admin: "admin", weak: "weak" };
  const kube = await startFakeKubernetes({ namespaces: [NAMESPACE], controller: false, tokens });
  onTestFinished(() => kube.stop());
  const prefect = await startFakePrefect1({ apiKey: KEY, ...options });
  onTestFinished(() => prefect.stop());
  const doctor: TestCluster["doctor"] = async (argv = [], input = {}) => {
    const kubeconfig = kube.kubeconfig({ token: input.token ?? "admin", namespace: NAMESPACE });
    const result = await runCli(["doctor", ...argv], {
      ...input,
      files: { "/kubeconfig": kubeconfig, ...input.files },
      env: {
        KUBECONFIG: "/kubeconfig",
        PREFECT__CLOUD__API: prefect.url,
        PREFECT__BACKEND: options.flavour ?? "server",
        PREFECT__CLOUD__API_KEY: KEY,
        ...input.env,
      },
    });
    expect(result.stdout + result.stderr).not.toContain(KEY);
    return result;
  };
  return { kube, prefect, doctor };
}

/** An agent that has just polled. */
async function registerAgent(
  { prefect }: TestCluster,
  name: string,
  labels: readonly string[],
): Promise<void> {
  const target = { url: prefect.url, backend: "server", apiKey: KEY, timeoutMs: 5_000 };
  const api = connectPrefect(target, { env: {} });
  await api.registerAgent({ name, labels });
  api.close();
}

async function reported(
  testCluster: TestCluster,
  ...args: Parameters<TestCluster["doctor"]>
): Promise<Report & { exitCode: number }> {
  const [argv = [], cli] = args;
  const { stdout, stderr, exitCode } = await testCluster.doctor([...argv, "-o", "json"], cli);
  expect(stderr).toBe("");
  return { ...(JSON.parse(stdout) as Report), exitCode };
}

/** `broken API key: …` of all that is not ok. */
function amiss({ findings }: Report): string[] {
  return findings
    .filter(({ status }) => status !== "ok")
    .map(({ status, check, message }) => `${status} ${check}: ${message}`);
}

describe("kubectl prefect doctor", () => {
  it("finds no problems in a working setup, and prints the source of each value", async () => {
    const testCluster = await startTestCluster({ flavour: "cloud" });
    await registerAgent(testCluster, "prod", ["k8s"]);
    const { stdout, stderr, exitCode } = await testCluster.doctor(["-n", NAMESPACE, "-l", "k8s"]);
    expect(stdout).toContain(` ${testCluster.prefect.url} (PREFECT__CLOUD__API variable)\n`);
    expect(stdout).toContain("set (PREFECT__CLOUD__API_KEY variable)");
    expect(stdout).toContain('"flows" exists (from -n)');
    expect(stdout).toContain("Kubernetes v1.35.4");
    expect(stdout).toMatch(/ok +API key +accepted\n/);
    expect(stdout).toMatch(/ok +agents +1 agent is running\n +"prod" with label k8s, polled \ds ago\n/);
    expect(stdout).toMatch(/\n\n\d+ ok\n$/);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("prints its sections in order", async () => {
    const testCluster = await startTestCluster();
    const { stdout } = await testCluster.doctor();
    expect(stdout.split("\n").filter((line) => /^[A-Z]/.test(line))).toEqual([
      "Configuration",
      "Kubernetes",
      "Your permissions",
      "Prefect",
      "Flow runs",
      "Leftovers",
    ]);
  });

  it("passes without a Prefect API, and prints what it skipped", async () => {
    const testCluster = await startTestCluster();
    const env = { PREFECT__CLOUD__API: "", PREFECT__BACKEND: "", PREFECT__CLOUD__API_KEY: "" };
    const report = await reported(testCluster, [], { env });
    expect(amiss(report)).toEqual([
      "skipped API: no Prefect 1 API is configured, so its agents and flow runs are not checked",
    ]);
    expect(report.exitCode).toBe(0);
    expect(testCluster.prefect.requests.entries()).toEqual([]);
  });

  it("prints the same as YAML", async () => {
    const testCluster = await startTestCluster();
    const { stdout } = await testCluster.doctor(["-o", "yaml"]);
    expect(parse(stdout)).toMatchObject({ kind: "DoctorReport", status: "warning", summary: { broken: 0 } });
  });

  it.each([
    {
      argv: ["-o", "xml"],
      message: 'error: cannot read -o "xml": unknown output format\nhint: use -o text, json or yaml\n',
    },
    { argv: ["--for", "agent"], message: 'error: cannot read --for "agent": not a ServiceAccount' },
    { argv: ["--request-timeout", "soon"], message: 'error: cannot read --request-timeout "soon"' },
    { argv: ["--key-secret", "No Name"], message: 'error: cannot read --key-secret "No Name"' },
  ])("rejects $argv", async ({ argv, message }) => {
    const testCluster = await startTestCluster();
    const { stdout, stderr, exitCode } = await testCluster.doctor(argv);
    expect(stderr).toContain(message);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });
});

describe("doctor and Prefect 1", () => {
  it.each([{ unauthorized: "401" as const }, { unauthorized: "errors" as const }])(
    "tells a key that is not accepted ($unauthorized)",
    async ({ unauthorized }) => {
      const testCluster = await startTestCluster({ flavour: "cloud", apiKey: "another", unauthorized });
      const report = await reported(testCluster);
      const [key, ...rest] = amiss(report);
      expect(key).toMatch(/^broken API key: not accepted: /);
      expect(rest).toEqual([]);
      expect(report.exitCode).toBe(1);
    },
  );

  it("reports a missing API key", async () => {
    const testCluster = await startTestCluster({ flavour: "cloud" });
    const report = await reported(testCluster, [], { env: { PREFECT__CLOUD__API_KEY: "" } });
    expect(amiss(report)).toEqual(["broken API key: missing, but the API requires one"]);
  });

  it("checks the cluster when the API is unreachable; states are then unknown", async () => {
    const testCluster = await startTestCluster();
    putJob({ fake: testCluster.kube }, "old", {
      run: runId(1),
      namespace: NAMESPACE,
      pod: POD.done,
      status: ended("Complete"),
    });
    await testCluster.prefect.pause();
    const report = await reported(testCluster);
    const [api, leftovers, unknown, ...rest] = amiss(report);
    expect(api).toMatch(/^broken API: the Prefect API at http:.* cannot be reached: connection refused$/);
    expect(leftovers).toBe("warning leftovers: cleanup would remove 1 Job");
    expect(unknown).toMatch(/^skipped not checked: states of Prefect 1 flow runs are unknown: /);
    expect(rest).toEqual([]);
    expect(report.exitCode).toBe(1);
  });

  it("does not wait longer than --request-timeout for an API that hangs", async () => {
    const testCluster = await startTestCluster();
    testCluster.prefect.fault({ effect: { kind: "hang", when: "before" }, times: Infinity });
    const report = await reported(testCluster, ["--request-timeout", "1s"]);
    expect(amiss(report)[0]).toMatch(
      /^broken API: the Prefect API at .* cannot be reached: no answer within 1 s$/,
    );
    // The first request decides; the others are not awaited.
    expect(testCluster.prefect.requests.entries()).toHaveLength(1);
  });

  it("reports a self-hosted server with --backend cloud", async () => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, ["--backend", "cloud"]);
    expect(amiss(report)).toEqual([
      "broken version: Prefect Server kubectl-prefect fake with Core 1.4.1, but --backend is cloud",
    ]);
  });

  it("reports a tenant that the server does not have", async () => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, ["--tenant-id", runId(9)]);
    expect(amiss(report)).toContain("broken tenant: the API has no tenant with the configured id");
  });

  it("reports a missing job template", async () => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, ["--job-template", "/none/job.yaml"]);
    expect(amiss(report)).toContain(
      'broken job template: cannot use job template "/none/job.yaml": there is no such file where the agent runs',
    );
    expect(report.exitCode).toBe(1);
  });

  it("reports line and column of an unreadable configuration, without its content", async () => {
    const testCluster = await startTestCluster();
    const files = { "/home/user/.prefect/config.toml": `[cloud]\napi_key = "${KEY}\n` };
    const { stdout, exitCode } = await testCluster.doctor([], { files });
    expect(stdout).toMatch(
      /broken +files +Prefect 1: cannot read "\/home\/user\/\.prefect\/config\.toml": .* at line 2, column \d+\n +hint: /,
    );
    expect(stdout).toContain("API server");
    expect(exitCode).toBe(1);
  });

  it("reports flow runs whose labels no agent has, and how to start an agent for them", async () => {
    const testCluster = await startTestCluster();
    await registerAgent(testCluster, "prod", ["k8s"]);
    const flow = testCluster.prefect.createFlow({ name: "etl" });
    const startTime = new Date(Date.now() - 10 * MINUTE_MS);
    testCluster.prefect.createFlowRun({ flow, labels: ["k8s", "gpu"], name: "lost-fox", startTime });
    testCluster.prefect.createFlowRun({
      flow,
      labels: ["k8s"],
      name: "soon",
      startTime: new Date(Date.now() + MINUTE_MS),
    });
    const { stdout, exitCode } = await testCluster.doctor();
    expect(stdout).toContain(
      '1 flow run with labels gpu, k8s has waited 10m: no running agent has all of these labels; agent "prod" lacks gpu\n',
    );
    expect(stdout).toMatch(
      /\n +lost-fox\n +hint: start an agent for them: kubectl prefect agent start -l gpu -l k8s\n/,
    );
    expect(exitCode).toBe(1);
  });

  it("reports claimed flow runs without a Job, and those that Lazarus will restart", async () => {
    const testCluster = await startTestCluster();
    const { prefect, kube } = testCluster;
    const files = new Map([["/kubeconfig", kube.kubeconfig({ token: "admin" })]]);
    const deps = {
      env: {},
      home: undefined,
      clock: systemClock,
      userAgent: "test",
      readFile: (path: string) => files.get(path),
    };
    const connection = await connectKube({ kubeconfig: "/kubeconfig" }, deps);
    const scope = `${connection.kube.clusterId}/${NAMESPACE}`;
    connection.kube.close();
    const flow = prefect.createFlow({ name: "etl" });
    const mark = { kubectl_prefect: { id: "claim", scope, identifier: "0a1b2c3d" } };
    const [claimed, silent] = ["claimed", "silent"].map((name) => prefect.createFlowRun({ flow, name }));
    prefect.setState(claimed?.id ?? "", newState("Submitted", "Submitted for execution", { context: mark }));
    prefect.setState(silent?.id ?? "", { type: "Submitted" });
    const ago = (minutes: number): string =>
      new Date(Date.now() - minutes * MINUTE_MS).toISOString().replace("Z", "000");
    const runs = prefect.store.tables.flow_run;
    for (const [run, minutes] of [
      [claimed, 5],
      [silent, 12],
    ] as const) {
      const row = runs.get(run?.id ?? "");
      if (row !== undefined) runs.update(row, { heartbeat: ago(minutes), state_timestamp: ago(minutes) });
    }
    await registerAgent(testCluster, "prod", []);
    expect(amiss(await reported(testCluster))).toEqual([
      "broken claims without a Job: 1 flow run has been Submitted for 5m, but has no Job in this namespace",
      "warning heartbeats: 1 flow run without a heartbeat for 12m; Lazarus will restart them within 10 minutes",
    ]);
  });
});

describe("doctor and the cluster", () => {
  it("checks Prefect when the cluster is unreachable", async () => {
    const testCluster = await startTestCluster();
    await registerAgent(testCluster, "prod", []);
    await testCluster.kube.pause();
    const report = await reported(testCluster);
    expect(amiss(report)).toEqual([
      expect.stringMatching(/^broken API server: cannot reach .*: connection refused$/),
    ]);
    expect(report.findings.some(({ check }) => check === "agents")).toBe(true);
    expect(report.exitCode).toBe(1);
  });

  it.each([
    {
      argv: ["--kubeconfig", "/none"],
      message: 'broken kubeconfig: cannot read kubeconfig "/none": no such file',
    },
    {
      argv: ["--context", "none"],
      message: 'broken kubeconfig: cannot find context "none" in the kubeconfig',
    },
  ])("reports an unusable kubeconfig: $argv", async ({ argv, message }) => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, argv);
    expect(amiss(report)).toContain(message);
    expect(report.exitCode).toBe(1);
  });

  it("reports rejected credentials", async () => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, [], { token: "expired" });
    expect(amiss(report)[0]).toMatch(/^broken API server: http.*: Unauthorized$/);
  });

  it("reports each check that it skips for lack of permissions", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.forbid({ user: "weak" });
    const report = await reported(testCluster, ["--image-pull-secrets", "pull"], { token: "weak" });
    expect(
      amiss(report).filter((line) => !line.includes(": may not ") && !line.includes("not granted")),
    ).toEqual([
      'skipped namespace: "flows": no permission to check whether it exists',
      'skipped ServiceAccount: "default": no permission to read ServiceAccounts',
      'skipped image pull Secret: "pull": no permission to read Secrets',
      "skipped admission: no permission to create pods, so a dry run is not possible",
      expect.stringMatching(/^warning agents: no agent has ever registered/),
      "skipped pods: no permission to list jobs, pods",
      "skipped quota: no permission to list ResourceQuotas",
      expect.stringMatching(/^skipped not checked: no permission to list jobs, /),
    ]);
    expect(amiss(report)).toContain("broken launching flow runs: may not get, create jobs");
    expect(report.exitCode).toBe(1);
  });

  it("reports the permissions that the agent's ServiceAccount lacks, and what fails without them", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.put("serviceaccounts", { metadata: { name: "prefect-agent", namespace: NAMESPACE } });
    testCluster.kube.forbid({ user: AGENT, verbs: ["watch"], resources: ["pods"] });
    testCluster.kube.forbid({ user: AGENT, resources: ["pods/log", "leases"] });
    const report = await reported(testCluster, ["--for", "flows/prefect-agent"]);
    const permissions = report.findings.filter(
      ({ subject }) => subject === "ServiceAccount flows/prefect-agent",
    );
    expect(amiss({ ...report, findings: permissions })).toEqual([
      "broken following flow runs: may not watch pods",
      "warning logs of failed pods: may not get pods/log",
      "skipped leader election: not granted, and only --leader-elect and --replicas need it: get, create, update leases",
    ]);
    expect(permissions[0]).toMatchObject({
      data: { granted: ["get jobs.batch", "create jobs.batch"], missing: [] },
    });
    expect(report.exitCode).toBe(1);
  });

  it("reports that it has no permission to check other users' permissions", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.forbid({ user: "weak", resources: ["subjectaccessreviews"] });
    const report = await reported(testCluster, ["--for", AGENT], { token: "weak" });
    const asked = report.findings.filter(({ check }) => check === "all features");
    expect(asked.map(({ subject, status }) => [subject, status])).toEqual([
      ["ServiceAccount flows/prefect-agent", "skipped"],
      ["ServiceAccount flows/default", "skipped"],
    ]);
    expect(amiss(report)).toContain("broken ServiceAccount: does not exist, so the agent's pod cannot start");
  });

  it("reports images that cannot be pulled, quotas and leftovers", async () => {
    const testCluster = await startTestCluster();
    const place = { fake: testCluster.kube };
    for (const digit of [1, 2])
      putJob(place, `pull-${digit}`, { run: runId(digit), namespace: NAMESPACE, pod: POD.pulling });
    const flow = testCluster.prefect.createFlow({ name: "etl" });
    const done = testCluster.prefect.createFlowRun({ flow, name: "done" });
    testCluster.prefect.setState(done.id, { type: "Success" });
    putJob(place, "done", { run: done.id, namespace: NAMESPACE, pod: POD.done, status: ended("Complete") });
    testCluster.kube.put("resourcequotas", {
      metadata: { name: "compute", namespace: NAMESPACE },
      spec: { hard: { pods: "3" } },
      status: { hard: { pods: "3" }, used: { pods: "3" } },
    });
    const env = { PREFECT__CLOUD__API: "", PREFECT__BACKEND: "", PREFECT__CLOUD__API_KEY: "" };
    const { stdout, exitCode } = await testCluster.doctor([], { env });
    expect(stdout).toMatch(
      /broken +pods +2 Jobs have waited up to 3d: image "flows:1" of container 'flow' cannot be pulled\n/,
    );
    expect(stdout).toContain('"compute" is used up (pods 3 of 3), so no more pods of flow runs can start\n');
    expect(stdout).toMatch(/warning +leftovers +cleanup would remove 1 Job\n +done \(succeeded 3d ago\)\n/);
    expect(stdout).toContain("hint: list them with reasons: kubectl prefect cleanup --dry-run -n flows\n");
    expect(exitCode).toBe(1);
  });

  it("does not fail for warnings", async () => {
    const testCluster = await startTestCluster();
    putJob({ fake: testCluster.kube }, "old", {
      run: runId(1),
      namespace: NAMESPACE,
      pod: POD.done,
      status: ended("Complete"),
    });
    expect(await reported(testCluster)).toMatchObject({ status: "warning", exitCode: 0 });
  });

  it("exits with 130 when it is interrupted", async () => {
    const testCluster = await startTestCluster();
    const controller = new AbortController();
    testCluster.kube.faults.add({ action: { kind: "hang", when: "before" }, times: Infinity });
    testCluster.kube.setOnRequest(() => controller.abort());
    const { stdout, stderr, exitCode } = await testCluster.doctor([], { signal: controller.signal });
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: "",
      stderr: "error: interrupted\n",
      exitCode: 130,
    });
  });
});

describe("doctor and Prefect 2 and 3", () => {
  it("finds the API and its version", async () => {
    const testCluster = await startTestCluster();
    const url = (await fakePrefect3()).url;
    const { stdout } = await testCluster.doctor([], { env: { PREFECT_API_URL: url } });
    expect(stdout).toContain(`${url} (PREFECT_API_URL variable), no key\n`);
    expect(stdout).toContain(`${url} answers, Prefect 3.8.8\n`);
  });

  it.each([
    { env: { PREFECT_API_KEY: KEY }, message: "broken Prefect 2/3 key: not accepted: the API answered 401" },
    { env: {}, message: "broken Prefect 2/3 key: missing, but the API requires one" },
  ])("reports a missing or wrong key", async ({ env, message }) => {
    const testCluster = await startTestCluster();
    const url = (await fakePrefect3({ apiKey: "right" })).url;
    const report = await reported(testCluster, [], { env: { ...env, PREFECT_API_URL: url } });
    expect(amiss(report)).toContain(message);
    expect(report.exitCode).toBe(1);
  });

  it("reports an unreachable API", async () => {
    const testCluster = await startTestCluster();
    await testCluster.prefect.pause();
    const report = await reported(testCluster, [], {
      env: { PREFECT_API_URL: `${testCluster.prefect.url}/api` },
    });
    expect(amiss(report)).toContain(
      `broken Prefect 2/3 API: the Prefect API at ${testCluster.prefect.url}/api cannot be reached: connection refused`,
    );
  });
});
