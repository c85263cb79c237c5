// kubectl prefect doctor on a real cluster: real permissions and ServiceAccounts, a pod whose image cannot be pulled, a running
// agent, and servers that do not answer.

import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { PluginProcess, runPlugin } from "./support/agent-process.ts";
import { currentCluster, hasContext, KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { apply, job } from "./support/leftovers.ts";
import { restrict } from "./support/restricted.ts";
import { TestSetup } from "./support/test-setup.ts";

type Found = JsonObject & {
  readonly section: string;
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly subject?: string;
};

interface Report {
  readonly status: string;
  readonly findings: readonly Found[];
  readonly code: number | null;
}

/** A job template that the restricted Pod Security Standard accepts. */
const RESTRICTED = `
kind: Job
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: flow
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`;

let setup: TestSetup;
let folder: KubeconfigFolder;

beforeAll(async () => {
  setup = await TestSetup.open("doctor");
  folder = new KubeconfigFolder();
});

afterAll(async () => {
  folder?.remove();
  await setup?.close();
});

async function doctor(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Report> {
  const { stdout, stderr, code } = await runPlugin(
    ["doctor", ...setup.namespaceFlags, "-o", "json", ...argv],
    env,
  );
  expect(stderr).toBe("");
  return { ...(JSON.parse(stdout) as Omit<Report, "code">), code };
}

function permissionsOf({ findings }: Report, subject: string): Record<string, string> {
  const found = findings.filter((each) => each.section === "permissions" && each.subject === subject);
  return Object.fromEntries(found.map(({ check, status }) => [check, status]));
}

function statusOf({ findings }: Report, check: string): string | undefined {
  return findings.find((each) => each.check === check)?.status;
}

/** Runs what `doctor --fix` prints, as a user pastes it into a shell. */
async function runFixes(argv: readonly string[]): Promise<void> {
  const { stdout } = await runPlugin(["doctor", ...setup.namespaceFlags, "--fix", ...argv]);
  const { status, stderr } = spawnSync("sh", ["-e"], { input: stdout, encoding: "utf8" });
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

describe("kubectl prefect doctor", () => {
  it("reports no problem to an administrator, as text", async () => {
    const { stdout, stderr, code } = await runPlugin(["doctor", ...setup.namespaceFlags, "-v"]);
    expect(stdout).toMatch(/^skipped {2}Prefect API: no Prefect 1 API is configured/);
    expect(stdout).toMatch(
      new RegExp(String.raw`\nok {7}API server: https://.* answers, Kubernetes v1\.${serverMinor()}\.`),
    );
    expect(stdout).toMatch(/\nok {7}clock: agrees with that of the API server\n/);
    expect(stdout).toContain(`\nok       namespace: "${setup.namespace}" exists (-n)\n`);
    expect(stdout).toMatch(/\nok {7}launching flow runs: you may get, create jobs\n/);
    expect(stdout).not.toMatch(/broken|warning/);
    expect(stdout).not.toContain("\u001B");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it("reports the user name that the server knows us by, if the server supports it", async () => {
    const { findings } = await doctor([]);
    const server = findings.find(({ check }) => check === "API server");
    // SelfSubjectReview exists since 1.28.
    expect(server?.message.includes(', you are "')).toBe(serverMinor() >= 28);
  });

  it("reports a missing ServiceAccount and its permissions, and nothing after its own fixes", async () => {
    const agent = `ServiceAccount ${setup.namespace}/prefect-agent`;
    const argv = ["--for", `${setup.namespace}/prefect-agent`];
    const before = await doctor(argv);
    expect(statusOf(before, "ServiceAccount")).toBe("broken");
    expect(permissionsOf(before, agent)).toMatchObject({
      "launching flow runs": "broken",
      "deleting finished Jobs": "warning",
    });
    expect(before.code).toBe(1);
    await runFixes(argv);
    const after = await doctor(argv);
    expect(permissionsOf(after, agent)).toEqual({
      "launching flow runs": "ok",
      "following flow runs": "ok",
      "following Jobs of agents that are gone": "ok",
      "deleting finished Jobs": "ok",
      "logs of failed pods": "ok",
      "events in flow runs' logs": "ok",
      "telling clusters apart": "ok",
      "deleting Dask clusters of cancelled flow runs": "ok",
    });
    expect(after.code).toBe(0);
    expect(setup.kubectl("get", "deployments", "-o", "name")).toBe("");
  });

  it("checks whether the cluster's policies admit a pod, without creating one", async ({ skip }) => {
    if (serverMinor() < 25) skip("Pod Security admission needs Kubernetes 1.25");
    expect(statusOf(await doctor([]), "admission")).toBe("ok");
    const label = "pod-security.kubernetes.io/enforce";
    restrict(setup.namespace);
    try {
      const { findings } = await doctor([]);
      const admission = findings.find(({ check }) => check === "admission");
      expect(admission).toMatchObject({
        status: "warning",
        message: expect.stringContaining("violates PodSecurity"),
      });
      const withTemplate = await doctor(["--job-template", folder.file("job.yaml", RESTRICTED)]);
      expect([statusOf(withTemplate, "job template"), statusOf(withTemplate, "admission")]).toEqual([
        "ok",
        "ok",
      ]);
    } finally {
      mustKubectl(["label", "namespace", setup.namespace, `${label}-`]);
    }
    expect(listed("pods", setup.namespace)).toEqual([]);
  });

  it("reports what a user without permissions must not do or read", async ({ skip }) => {
    if (!hasContext("nobody")) skip("there is no context nobody");
    const report = await doctor(["--context", "nobody", "--for", `${setup.namespace}/prefect-agent`]);
    for (const check of ["permissions", "namespace", "pods"]) expect(statusOf(report, check)).toBe("skipped");
    const alone = await doctor(["--context", "nobody"]);
    expect(permissionsOf(alone, "you")).toMatchObject({ "launching flow runs": "broken" });
    expect(alone.code).toBe(1);
  });

  it("reports a pod whose image cannot be pulled, an exhausted quota, and missing Secrets", async () => {
    setup.kubectl("create", "quota", "few", "--hard=pods=1");
    const image = { image: "registry.invalid/flows:1", imagePullPolicy: "Never" };
    const labels = { "prefect.io/flow_run_id": "d1111111-1111-4111-8111-111111111111" };
    apply(setup.namespace, [job("unpullable", labels, { script: "true", container: image })]);
    const secrets = ["--key-secret", "missing", "--image-pull-secrets", "absent"];
    const argv = [...secrets, "--service-account-name", "nobody"];
    // Doctor reports a pod that has not started after a minute.
    const report = await vi.waitUntil(
      async () => {
        const now = await doctor(argv);
        return statusOf(now, "pods") === "broken" && statusOf(now, "quota") === "warning" ? now : undefined;
      },
      { timeout: 120_000, interval: 2_000 },
    );
    const broken = report.findings.filter(({ status }) => status === "broken");
    expect(broken.map(({ message }) => message)).toEqual([
      `"nobody" in namespace "${setup.namespace}" does not exist, so its pods cannot start`,
      '"absent" does not exist',
      '"missing" does not exist',
      expect.stringMatching(
        /^1 Job waiting for .*: image "registry\.invalid\/flows:1" of container 'flow' cannot be pulled$/,
      ),
    ]);
    expect(report.findings.find(({ check }) => check === "quota")?.message).toContain(
      '"few" is used up (pods 1 of 1)',
    );
    expect(report.code).toBe(1);
    setup.kubectl("delete", "job/unpullable", "quota/few");
  });

  it("reports the running agent, and the flow run that only another agent could take as a warning", async () => {
    const agent = await setup.startAgent(["-l", "k8s"]);
    try {
      const flow = setup.prefect.createFlow({ name: "etl" });
      const startTime = new Date(Date.now() - 600_000);
      setup.prefect.createFlowRun({ flow, name: "mislabelled", labels: ["gpu", "k8s"], startTime });
      const { stdout, code } = await setup.plugin("doctor", "-l", "k8s", "-v");
      expect(stdout).toMatch(/\nok {7}agents: an agent with label k8s last asked for flow runs \d+s ago\n/);
      expect(stdout).toMatch(
        /^warning {2}due flow runs: 1 flow run late by .*, and no running agent has: labels gpu, k8s\n {9}mislabelled\n/,
      );
      expect(code).toBe(0);
    } finally {
      await agent.stop();
    }
  });

  it("checks Prefect although the cluster does not answer, and the cluster although Prefect does not answer", async () => {
    const dead = "http://127.0.0.1:9";
    const without = await doctor(["--server", dead, "-a", setup.api, "-b", "server"]);
    expect(statusOf(without, "API server")).toBe("broken");
    expect(statusOf(without, "Prefect API")).toBe("ok");
    const alone = await doctor(["-a", dead, "-b", "server"]);
    expect(statusOf(alone, "API server")).toBe("ok");
    expect(
      alone.findings.filter(({ section, status }) => section === "prefect" && status === "broken"),
    ).toHaveLength(1);
    expect([without.code, alone.code]).toEqual([1, 1]);
  });

  it("reports a kubeconfig with an invalid token", async () => {
    const user = { token: "t0ken-that-expired" };
    const KUBECONFIG = folder.kubeconfig("expired", { cluster: currentCluster(), user });
    const report = await doctor([], { KUBECONFIG });
    const server = report.findings.find(({ check }) => check === "API server");
    expect(server).toMatchObject({ status: "broken", message: expect.stringContaining("Unauthorized") });
    expect(JSON.stringify(report)).not.toContain(user.token);
  });

  it("exits with 130 on Ctrl-C", async () => {
    setup.prefect.fault({ effect: { kind: "hang", when: "before" } });
    const requested = new Promise<void>((resolve) => {
      const off = setup.prefect.onRequest(() => {
        off();
        resolve();
      });
    });
    const process = new PluginProcess(["doctor", ...setup.namespaceFlags, "-a", setup.api, "-b", "server"]);
    await Promise.race([requested, process.ended]);
    expect(await process.stop("SIGINT")).toEqual({ code: 130, stdout: "", stderr: "error: interrupted\n" });
  });
});
