// kubectl prefect doctor on a real cluster: real permissions and ServiceAccounts, a pod whose image cannot be pulled, a running
// agent, and servers that do not answer.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../src/base/json.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { PluginProcess, runPlugin, startAgent } from "./support/agent-process.ts";
import { currentCluster, hasContext, KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";

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

let namespace: string;
let prefect: FakePrefect1;
let folder: KubeconfigFolder;

beforeAll(async () => {
  namespace = await createNamespace("doctor");
  prefect = await startFakePrefect1();
  folder = new KubeconfigFolder();
});

afterAll(async () => {
  folder.remove();
  await prefect.stop();
  removeNamespace(namespace);
});

async function doctor(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Report> {
  const { stdout, stderr, code } = await runPlugin(["doctor", "-n", namespace, "-o", "json", ...argv], env);
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

/** A Job of a flow run with one container. */
function createJob(name: string, image: string): void {
  const labels = { "prefect.io/flow_run_id": "d1111111-1111-4111-8111-111111111111" };
  const container = { name: "flow", image, imagePullPolicy: "IfNotPresent", command: ["sleep", "3600"] };
  const spec = { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [container] };
  const template = { metadata: { labels }, spec };
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels },
    spec: { backoffLimit: 0, template },
  };
  mustKubectl(["create", "-n", namespace, "-f", "-"], JSON.stringify(job));
}

/** Applies the ServiceAccount, Role and RoleBinding of `install --rbac=minimal`. */
async function grantMinimal(): Promise<void> {
  const { stdout } = await runPlugin(["install", "--rbac=minimal", "-n", namespace, "-k", "x"]);
  const kinds = ["ServiceAccount", "Role", "RoleBinding"];
  const objects = parseAllDocuments(stdout)
    .map((document) => document.toJS() as JsonObject)
    .filter(({ kind }) => kinds.includes(String(kind)));
  mustKubectl(["apply", "-n", namespace, "-f", "-"], objects.map((each) => JSON.stringify(each)).join("\n"));
}

describe("kubectl prefect doctor", () => {
  it("reports no problem to an administrator, as text", async () => {
    const { stdout, stderr, code } = await runPlugin(["doctor", "-n", namespace]);
    expect(stdout).toMatch(/^Configuration\n {2}ok {7}files/);
    expect(stdout).toMatch(
      new RegExp(String.raw`ok +API server +https://.* answers, Kubernetes v1\.${serverMinor()}\.`),
    );
    expect(stdout).toMatch(/ok +clock +agrees with the API server's\n/);
    expect(stdout).toContain(`"${namespace}" exists (from -n)\n`);
    expect(stdout).toMatch(/ok +launching flow runs +may get, create jobs\n/);
    expect(stdout).not.toMatch(/broken|warning/);
    expect(stdout).not.toContain("\u001B");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it("reports the user name that the server knows us by, if the server supports it", async () => {
    const { findings } = await doctor([]);
    const messages = findings.filter(({ check }) => check === "user").map(({ message }) => message);
    // SelfSubjectReview exists since 1.28.
    const count = serverMinor() >= 28 ? 1 : 0;
    expect(messages.filter((each) => each.startsWith('logged in as "'))).toHaveLength(count);
    expect(messages).toHaveLength(count);
  });

  it("reports a missing ServiceAccount, and no missing permission after install", async () => {
    const agent = `ServiceAccount ${namespace}/prefect-agent`;
    const argv = ["--for", `${namespace}/prefect-agent`];
    const before = await doctor(argv);
    expect(permissionsOf(before, agent)).toMatchObject({
      ServiceAccount: "broken",
      "launching flow runs": "broken",
      "deleting finished Jobs": "warning",
    });
    expect(before.code).toBe(1);
    await grantMinimal();
    const after = await doctor(argv);
    expect(permissionsOf(after, agent)).toEqual({
      "launching flow runs": "ok",
      "following flow runs": "ok",
      "deleting finished Jobs": "ok",
      "logs of failed pods": "ok",
      "events in flow runs' logs": "ok",
      "deleting Dask clusters of cancelled flow runs": "ok",
      "leader election": "skipped",
      cleanup: "skipped",
    });
    expect(after.code).toBe(0);
  });

  it("checks whether the cluster's policies admit a pod, without creating one", async ({ skip }) => {
    if (serverMinor() < 25) skip("Pod Security admission needs Kubernetes 1.25");
    expect(statusOf(await doctor([]), "admission")).toBe("ok");
    const label = "pod-security.kubernetes.io/enforce";
    mustKubectl(["label", "namespace", namespace, `${label}=restricted`]);
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
      mustKubectl(["label", "namespace", namespace, `${label}-`]);
    }
    expect(listed("pods", namespace)).toEqual([]);
  });

  it("reports what a user without permissions must not do or read", async ({ skip }) => {
    if (!hasContext("nobody")) skip("there is no context nobody");
    const report = await doctor(["--context", "nobody", "--for", `${namespace}/prefect-agent`]);
    expect(permissionsOf(report, "you")).toEqual({ cleanup: "warning" });
    expect(permissionsOf(report, `ServiceAccount ${namespace}/prefect-agent`)).toEqual({
      "all features": "skipped",
    });
    expect(statusOf(report, "namespace")).toBe("skipped");
    expect(statusOf(report, "pods")).toBe("skipped");
    const alone = await doctor(["--context", "nobody"]);
    expect(permissionsOf(alone, "you")).toMatchObject({
      "launching flow runs": "broken",
      cleanup: "warning",
    });
    expect(alone.code).toBe(1);
  });

  it("reports a pod whose image cannot be pulled, an exhausted quota, and missing Secrets", async () => {
    mustKubectl(["create", "quota", "few", "--hard=pods=1", "-n", namespace]);
    createJob("unpullable", "registry.invalid/flows:1");
    const argv = [
      "--key-secret",
      "missing",
      "--image-pull-secrets",
      "absent",
      "--service-account-name",
      "nobody",
    ];
    // Doctor reports a pod that has not started after half a minute.
    const report = await vi.waitUntil(
      async () => {
        const now = await doctor(argv);
        return statusOf(now, "pods") === "broken" && statusOf(now, "quota") === "warning" ? now : undefined;
      },
      { timeout: 120_000, interval: 2_000 },
    );
    const broken = report.findings.filter(({ status }) => status === "broken");
    expect(broken.map(({ message }) => message)).toEqual([
      `"nobody" does not exist in namespace "${namespace}", so pods of flow runs cannot start`,
      '"absent" does not exist',
      '"missing" does not exist',
      expect.stringMatching(
        /^Job "unpullable" has waited .*: image "registry\.invalid\/flows:1" of container 'flow' cannot be pulled$/,
      ),
    ]);
    expect(report.findings.find(({ check }) => check === "quota")?.message).toContain(
      '"few" is used up (pods 1 of 1)',
    );
    expect(report.code).toBe(1);
    mustKubectl(["delete", "job/unpullable", "quota/few", "-n", namespace]);
  });

  it("reports the running agent and the flow run that no agent can launch", async () => {
    const api = ["-a", prefect.url, "-b", "server"];
    const agent = await startAgent(["-a", prefect.url, "-n", namespace, "-l", "k8s"]);
    try {
      const flow = prefect.createFlow({ name: "etl" });
      prefect.createFlowRun({ flow, name: "mislabelled", labels: ["gpu", "k8s"] });
      const { stdout, code } = await runPlugin(["doctor", "-n", namespace, ...api, "-l", "k8s"]);
      expect(stdout).toMatch(/ok +agents +1 agent is running\n +"agent" with label k8s, polled \d+s ago\n/);
      expect(stdout).toMatch(
        /broken +due flow runs +1 flow run with labels gpu, k8s has waited .*agent "agent" lacks gpu\n/,
      );
      expect(stdout).toContain("hint: start an agent for them: kubectl prefect agent start -l gpu -l k8s\n");
      expect(code).toBe(1);
    } finally {
      await agent.stop();
    }
  });

  it("checks Prefect although the cluster does not answer, and the cluster although Prefect does not answer", async () => {
    const dead = "http://127.0.0.1:9";
    const without = await doctor(["--server", dead, "-a", prefect.url, "-b", "server"]);
    expect(statusOf(without, "API server")).toBe("broken");
    expect(statusOf(without, "tenant")).toBe("ok");
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
    prefect.fault({ effect: { kind: "hang", when: "before" } });
    const requested = new Promise<void>((resolve) => {
      const off = prefect.onRequest(() => {
        off();
        resolve();
      });
    });
    const process = new PluginProcess(["doctor", "-n", namespace, "-a", prefect.url, "-b", "server"]);
    await Promise.race([requested, process.ended]);
    expect(await process.stop("SIGINT")).toEqual({ code: 130, stdout: "", stderr: "error: interrupted\n" });
  });
});
