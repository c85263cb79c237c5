// Agents beside each other on a real API server, and what they do when it takes no Jobs: permissions that go and come back, a
// full quota, a webhook that cannot be called.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { ownerOf } from "../../src/job/owner.ts";
import { runPlugin } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { currentCluster, KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { NEVER_ENDS, SUCCEEDS, shellRun } from "./support/shell-flow.ts";
import { TestSetup, eventually } from "./support/test-setup.ts";

let setup: TestSetup;
let folder: KubeconfigFolder;

beforeAll(() => {
  folder = new KubeconfigFolder();
});

afterAll(() => folder.remove());

beforeEach(async () => {
  setup = await TestSetup.open("neighbours");
});

afterEach(() => setup.close());

/** Starts an agent whose only label is its name. */
function start(
  name: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PluginProcess> {
  return setup.startAgent(["--name", name, "-l", name, ...flags], env);
}

function dueRuns(count: number, label: string, run?: JsonObject): readonly string[] {
  return Array.from({ length: count }, () => setup.due(run, [label]));
}

/** The run's last heartbeat lies so long back that no process of it can be alive. */
function forgetHeartbeat(id: string): void {
  const { flow_run } = setup.prefect.store.tables;
  const row = flow_run.get(id);
  if (row !== undefined) flow_run.update(row, { heartbeat: null });
}

/** The agents in the annotations of the run's Jobs. */
function ownersOf(id: string): readonly (string | undefined)[] {
  return setup.ofRun("jobs", id).map(({ metadata }) => ownerOf(metadata)?.name);
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
    const [gpu, cpu] = ["gpu", "cpu"].map((label) => dueRuns(5, label, own));
    await setup.untilState([...(gpu ?? []), ...(cpu ?? [])], "Success");
    const ofRuns = (): readonly (string | undefined)[] =>
      listed("jobs", setup.namespace).map(({ metadata }) => metadata.labels?.["template"]);
    await eventually(() => expect(ofRuns()).toEqual(["gpu", "gpu", "gpu", "gpu", "gpu"]));
    for (const id of gpu ?? []) expect(ownersOf(id)).toEqual(["gpu"]);
    for (const id of [...(gpu ?? []), ...(cpu ?? [])]) expect(setup.prefect.statesOf(id)).toEqual(ONCE);
  });

  it("do not end each other's runs; one that comes back in another process reports its vanished Job", async () => {
    const gpu = await start("gpu");
    await start("cpu");
    const id = setup.due(NEVER_ENDS, ["gpu"]);
    await setup.untilState(id, "Running");
    await gpu.stop("SIGKILL");
    const [job] = setup.ofRun("jobs", id);
    setup.kubectl("delete", "job", job?.metadata.name ?? "");
    const other = dueRuns(3, "cpu");
    await setup.untilState(other, "Success");
    expect(setup.prefect.stateOf(id)).toBe("Running");
    forgetHeartbeat(id);
    await start("gpu", [], { HOSTNAME: "another-host" });
    await setup.untilState(id, "Failed");
    expect(setup.prefect.flowRun(id)?.state_message).toMatch(/was deleted before it finished/);
    expect(setup.prefect.statesOf(id)).toEqual(["Scheduled", "Submitted", "Running", "Failed"]);
  });
});

describe("an agent whose Jobs the API server does not take", () => {
  it("keeps due runs while its RoleBinding is gone, and runs all of them when it is back", async () => {
    const rbac = setup.kubectl("prefect", "install", "--rbac=minimal", "--rbac-only");
    mustKubectl(["apply", "-f", "-"], rbac);
    const token = setup.kubectl("create", "token", "prefect-agent").trim();
    const config = folder.kubeconfig("minimal", { cluster: currentCluster(), user: { token } });
    const agent = await start("gpu", [], { KUBECONFIG: config });
    setup.kubectl("delete", "rolebinding", "prefect-agent-rbac");
    const ids = dueRuns(10, "gpu");
    await agent.untilPrinted("Cannot create Jobs; claiming no flow runs until this is fixed");
    await agent.untilPrinted("cannot create resource");
    mustKubectl(["apply", "-f", "-"], rbac);
    await setup.untilState(ids, "Success");
    for (const id of ids) expect(setup.prefect.statesOf(id)).toEqual(ONCE);
  });

  it("waits while the quota of Jobs is full, and runs all when it is raised", async () => {
    const quota = (count: number): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "jobs", namespace: setup.namespace },
        spec: { hard: { "count/jobs.batch": String(count) } },
      });
    mustKubectl(["apply", "-f", "-"], quota(2));
    const used = ["get", "resourcequota", "jobs", "-o", "jsonpath={.status.used}"];
    await eventually(() => expect(setup.kubectl(...used)).toContain("count/jobs.batch"));
    // Finished Jobs stay, and so does the quota's use.
    const agent = await start("gpu", ["--disable-job-deletion"]);
    const ids = dueRuns(8, "gpu");
    await agent.untilPrinted("The namespace's quota is full; claiming no flow runs");
    await setup.prefect.until(() => ids.filter((id) => setup.prefect.stateOf(id) === "Success").length === 2);
    mustKubectl(["apply", "-f", "-"], quota(50));
    await setup.untilState(ids, "Success");
    for (const id of ids) expect(setup.prefect.statesOf(id)).toEqual(ONCE);
    expect(listed("jobs", setup.namespace)).toHaveLength(ids.length);
  });

  it("waits while a webhook cannot be called, and runs all when it is removed", async () => {
    const { namespace } = setup;
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
      await setup.untilState(ids, "Submitted");
      expect(agent.stdout).toContain("failed calling webhook");
      mustKubectl(remove);
      await setup.untilState(ids, "Success");
      for (const id of ids) expect(setup.prefect.statesOf(id)).toEqual(ONCE);
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
      const id = setup.due(NEVER_ENDS, ["gpu"]);
      await setup.untilState(id, "Running");
      await first.stop("SIGKILL");
      const [job] = setup.ofRun("jobs", id);
      setup.kubectl("delete", "job", job?.metadata.name ?? "");
      forgetHeartbeat(id);
      // It searches for vanished Jobs at its start and half a minute later, and waits 10 s for other processes.
      let searches = 0;
      setup.prefect.onRequest(({ variables }, moment) => {
        if (moment === "after" && JSON.stringify(variables).includes('"Cancelling"')) searches++;
      });
      await start("gpu", ["-n", there]);
      await setup.prefect.until(() => searches >= 2, { what: "two searches", timeoutMs: 120_000 });
      await setup.untilState(dueRuns(1, "gpu"), "Success");
      expect(setup.prefect.stateOf(id)).toBe("Running");
      const second = setup.due(NEVER_ENDS, ["gpu"]);
      await setup.untilState([second], "Running");
      const { stdout } = await runPlugin(["doctor", "-n", there], setup.env);
      expect(stdout).toContain(
        `agent "gpu" with label gpu works in namespace "${setup.namespace}" as well: Prefect takes both for one agent`,
      );
    } finally {
      removeNamespace(there);
    }
  });
});
