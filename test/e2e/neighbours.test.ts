// Agents beside each other on a real API server, and what they do when it takes no Jobs: permissions that go and come back, a
// full quota, a webhook that cannot be called.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { ownerOf } from "../../src/job/owner.ts";
import { startAgent, runPlugin } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { currentCluster, KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

const RUNS_ON = "state Running Running; until [ -e /tmp/end ]; do sleep 0.2; done";
const WAIT = { timeout: 120_000, interval: 500 };

let namespace: string;
let reachable: ReachablePrefect;
let folder: KubeconfigFolder;
const agents: PluginProcess[] = [];

beforeAll(() => {
  folder = new KubeconfigFolder();
});

afterAll(() => folder.remove());

beforeEach(async () => {
  namespace = await createNamespace("neighbours");
  reachable = await startReachablePrefect();
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop("SIGKILL")));
  await reachable.prefect.stop();
  removeNamespace(namespace);
});

async function start(
  name: string,
  flags: readonly string[] = [],
  options: { readonly in?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<PluginProcess> {
  const where = ["-a", reachable.api, "-n", options.in ?? namespace];
  const agent = await startAgent([...where, "--name", name, "-l", name, ...flags], options.env);
  agents.push(agent);
  return agent;
}

function dueRun(label: string, runConfig: JsonObject = shellRun(SUCCEEDS)): string {
  const flow = reachable.prefect.createFlow({ name: "shell" });
  return reachable.prefect.createFlowRun({ flow, labels: [label], runConfig }).id;
}

function dueRuns(count: number, label: string): readonly string[] {
  return Array.from({ length: count }, () => dueRun(label));
}

const stateOf = (id: string): string => reachable.prefect.flowRun(id)?.state ?? "";

async function untilAll(ids: readonly string[], state: string): Promise<void> {
  const what = `${ids.length} runs ${state}`;
  await reachable.prefect.until(() => ids.every((id) => stateOf(id) === state), { what, timeoutMs: 120_000 });
}

/** The run's last heartbeat lies so long back that no process of it can be alive. */
function forgetHeartbeat(id: string): void {
  const { flow_run } = reachable.prefect.store.tables;
  const row = flow_run.get(id);
  if (row !== undefined) flow_run.update(row, { heartbeat: null });
}

function statesOf(id: string): readonly string[] {
  return reachable.prefect.history(id).map(({ type }) => type);
}

/** The agents in the annotations of the run's Jobs. */
function ownersOf(id: string): readonly (string | undefined)[] {
  const selector = ["-l", `prefect.io/flow_run_id=${id}`];
  const { items } = JSON.parse(mustKubectl(["get", "jobs", "-n", namespace, ...selector, "-o", "json"])) as {
    items: { metadata: { annotations: Readonly<Record<string, string>> } }[];
  };
  return items.map(({ metadata }) => ownerOf(metadata)?.name);
}

/** What all runs must have been through that waited until Kubernetes took their Jobs. */
const ONCE = ["Scheduled", "Submitted", "Running", "Success"];

describe("two agents with their own names, labels, templates and settings", () => {
  it("launch, keep and delete only their own Jobs", async () => {
    const template = (name: string): string => {
      const job = shellRun(SUCCEEDS)["job_template"] as JsonObject;
      return folder.file(
        `${name}.yaml`,
        JSON.stringify({ ...job, metadata: { labels: { template: name } } }),
      );
    };
    const own = { type: "KubernetesRun", image: "busybox:latest", image_pull_policy: "IfNotPresent" };
    await start("gpu", ["--job-template", template("gpu"), "--disable-job-deletion"]);
    await start("cpu", ["--job-template", template("cpu")]);
    const [gpu, cpu] = ["gpu", "cpu"].map((label) => Array.from({ length: 5 }, () => dueRun(label, own)));
    await untilAll([...(gpu ?? []), ...(cpu ?? [])], "Success");
    const ofRuns = (): readonly (string | undefined)[] =>
      listed("jobs", namespace).map(({ metadata }) => metadata.labels?.["template"]);
    await vi.waitFor(() => expect(ofRuns()).toEqual(["gpu", "gpu", "gpu", "gpu", "gpu"]), WAIT);
    for (const id of gpu ?? []) expect(ownersOf(id)).toEqual(["gpu"]);
    for (const id of [...(gpu ?? []), ...(cpu ?? [])]) expect(statesOf(id)).toEqual(ONCE);
  });

  it("do not end each other's runs; one that comes back in another process reports its vanished Job", async () => {
    const gpu = await start("gpu");
    await start("cpu");
    const id = dueRun("gpu", shellRun(RUNS_ON));
    await untilAll([id], "Running");
    await gpu.stop("SIGKILL");
    const [job] = listed("jobs", namespace);
    mustKubectl(["delete", "job", job?.metadata.name ?? "", "-n", namespace]);
    const other = dueRuns(3, "cpu");
    await untilAll(other, "Success");
    expect(stateOf(id)).toBe("Running");
    forgetHeartbeat(id);
    await start("gpu", [], { env: { HOSTNAME: "another-host" } });
    await untilAll([id], "Failed");
    expect(reachable.prefect.flowRun(id)?.state_message).toMatch(/was deleted before it finished/);
    expect(statesOf(id)).toEqual(["Scheduled", "Submitted", "Running", "Failed"]);
  });
});

describe("an agent whose Jobs the API server does not take", () => {
  it("keeps due runs while its RoleBinding is gone, and runs all of them when it is back", async () => {
    const rbac = mustKubectl(["prefect", "install", "--rbac=minimal", "--rbac-only", "-n", namespace]);
    mustKubectl(["apply", "-f", "-"], rbac);
    const token = mustKubectl(["create", "token", "prefect-agent", "-n", namespace]).trim();
    const config = folder.kubeconfig("minimal", { cluster: currentCluster(), user: { token } });
    const agent = await start("gpu", [], { env: { KUBECONFIG: config } });
    mustKubectl(["delete", "rolebinding", "prefect-agent-rbac", "-n", namespace]);
    const ids = dueRuns(10, "gpu");
    await agent.untilPrinted("Cannot create Jobs; claiming no flow runs until this is fixed");
    await agent.untilPrinted("cannot create resource");
    mustKubectl(["apply", "-f", "-"], rbac);
    await untilAll(ids, "Success");
    for (const id of ids) expect(statesOf(id)).toEqual(ONCE);
  });

  it("waits while the quota of Jobs is full, and runs all when it is raised", async () => {
    const quota = (count: number): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "jobs", namespace },
        spec: { hard: { "count/jobs.batch": String(count) } },
      });
    mustKubectl(["apply", "-f", "-"], quota(2));
    const used = ["get", "resourcequota", "jobs", "-n", namespace, "-o", "jsonpath={.status.used}"];
    await vi.waitFor(() => expect(mustKubectl(used)).toContain("count/jobs.batch"), WAIT);
    // Finished Jobs stay, and so does the quota's use.
    const agent = await start("gpu", ["--disable-job-deletion"]);
    const ids = dueRuns(8, "gpu");
    await agent.untilPrinted("The namespace's quota is full; claiming no flow runs");
    await reachable.prefect.until(() => ids.filter((id) => stateOf(id) === "Success").length === 2);
    mustKubectl(["apply", "-f", "-"], quota(50));
    await untilAll(ids, "Success");
    for (const id of ids) expect(statesOf(id)).toEqual(ONCE);
    expect(listed("jobs", namespace)).toHaveLength(ids.length);
  });

  it("waits while a webhook cannot be called, and runs all when it is removed", async () => {
    mustKubectl(["label", "namespace", namespace, `webhook=${namespace}`]);
    const rule = { operations: ["CREATE"], apiGroups: ["batch"], apiVersions: ["v1"], resources: ["jobs"] };
    const webhook = {
      name: "policy.example.com",
      clientConfig: { url: "https://127.0.0.1:1/" },
      rules: [rule],
      namespaceSelector: { matchLabels: { webhook: namespace } },
      failurePolicy: "Fail",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 2,
    };
    const configuration = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: namespace },
      webhooks: [webhook],
    };
    mustKubectl(["apply", "-f", "-"], JSON.stringify(configuration));
    const remove = ["delete", "validatingwebhookconfiguration", namespace];
    try {
      const agent = await start("gpu");
      const ids = dueRuns(10, "gpu");
      await agent.untilPrinted("Kubernetes does not take Jobs now; retrying");
      await untilAll(ids, "Submitted");
      expect(agent.stdout).toContain("failed calling webhook");
      mustKubectl(remove);
      await untilAll(ids, "Success");
      for (const id of ids) expect(statesOf(id)).toEqual(ONCE);
      expect(agent.stdout.match(/Kubernetes does not take Jobs now/g)).toHaveLength(1);
    } finally {
      mustKubectl([...remove, "--ignore-not-found"]);
    }
  });
});

describe("two namespaces with agents of one name and labels", () => {
  it("leave each other's claims alone, and doctor warns of them", async () => {
    const there = await createNamespace("neighbours-there");
    try {
      const first = await start("gpu");
      const id = dueRun("gpu", shellRun(RUNS_ON));
      await untilAll([id], "Running");
      await first.stop("SIGKILL");
      const [job] = listed("jobs", namespace);
      mustKubectl(["delete", "job", job?.metadata.name ?? "", "-n", namespace]);
      forgetHeartbeat(id);
      // It searches for vanished Jobs at its start and half a minute later, and waits 10 s for other processes.
      let searches = 0;
      reachable.prefect.onRequest(({ variables }, moment) => {
        if (moment === "after" && JSON.stringify(variables).includes('"Cancelling"')) searches++;
      });
      await start("gpu", [], { in: there });
      await reachable.prefect.until(() => searches >= 2, { what: "two searches", timeoutMs: 120_000 });
      await untilAll(dueRuns(1, "gpu"), "Success");
      expect(stateOf(id)).toBe("Running");
      const second = dueRun("gpu", shellRun(RUNS_ON));
      await untilAll([second], "Running");
      const { stdout } = await runPlugin(["doctor", "-b", "server", "-a", reachable.api, "-n", there]);
      expect(stdout).toContain(
        `agent "gpu" with label gpu works in namespace "${namespace}" as well: Prefect takes both for one agent`,
      );
    } finally {
      removeNamespace(there);
    }
  });
});
