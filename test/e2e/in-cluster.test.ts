// The agent in the cluster, installed with `install | kubectl apply`: the built image, its own ServiceAccount, real pods.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { auditedCalls, auditedCreations, auditPosition } from "./support/audit-log.ts";
import type { AuditedCall } from "./support/audit-log.ts";
import { loadAgentImage, noAgentImageReason } from "./support/agent-image.ts";
import { InstalledAgent } from "./support/installed-agent.ts";
import { JobWatch } from "./support/job-watch.ts";
import { KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { RESTRICTED, restrict } from "./support/restricted.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

const absent = noAgentImageReason();
if (absent !== undefined) process.stderr.write(`skipped, the agent in the cluster: ${absent}\n`);

const SHORT = "state Running Running; sleep 2; state Success Done";
const LONG = "state Running Running; sleep 25; state Success Done";
const FOREVER = "state Running Running; trap 'exit 143' TERM; while true; do sleep 0.2; done";
const NO_AUDIT = "E2E_AUDIT_LOG does not name an audit log";
const TAKEOVER = { timeout: 60_000, interval: 200 };
const SUCCESS_STATES = ["Scheduled", "Submitted", "Running", "Success"];

/** Permissions that these runs do not always use, and when the agent uses them. */
const USED_SOMETIMES: Readonly<Record<string, string>> = {
  "get jobs.batch": "a Job's name exists already, or the agent decides about a Job that has not finished",
  "patch jobs.batch": "an agent becomes the owner of a Job whose agent has stopped",
  "get pods": "the agent fails a run whose Job has not finished",
  "delete daskclusters.kubernetes.dask.org": "Dask's operator is installed",
};

let image: string;
let folder: KubeconfigFolder;

describe.skipIf(absent !== undefined)("the agent in the cluster", () => {
  beforeAll(() => {
    image = loadAgentImage();
    folder = new KubeconfigFolder();
  });

  afterAll(() => {
    folder?.remove();
  });

  describe("with --rbac=minimal, under the restricted Pod Security Standard", () => {
    let setup: TestSetup;
    let jobWatch: JobWatch;

    beforeAll(async () => {
      setup = await TestSetup.open("minimal", { restricted: true });
      jobWatch = new JobWatch(setup.namespace);
      await setup.install([
        "--rbac=minimal",
        "--leader-elect",
        "--cancel-grace",
        "3s",
        "-n",
        setup.namespace,
      ]);
    });

    afterAll(async () => {
      jobWatch?.stop();
      await setup?.close();
    });

    it("becomes Ready under its own ServiceAccount", () => {
      expect(setup.agent.pods()).toMatchObject([
        {
          spec: { serviceAccountName: "prefect-agent" },
          status: { containerStatuses: [{ name: "agent", ready: true, restartCount: 0 }] },
        },
      ]);
    });

    it("runs flow runs, and removes their Jobs", async () => {
      const ids = Array.from({ length: 10 }, () => setup.due(SUCCEEDS));
      await setup.untilAll(ids, "Success");
      await setup.untilNoJobs();
      expect(ids.map((id) => setup.statesOf(id))).toEqual(ids.map(() => SUCCESS_STATES));
    });

    it("launches every run exactly once during kubectl rollout restart", async () => {
      // The last run still runs when the agent that created its Job has stopped and another agent has become the Job's owner.
      const early = [...Array.from({ length: 12 }, () => setup.due(SHORT)), setup.due(LONG)];
      const isRunning = (): boolean => early.some((id) => setup.stateOf(id) === "Running");
      await setup.prefect.until(isRunning, { what: "a running flow run", timeoutMs: 60_000 });
      setup.agent.restart();
      const late = Array.from({ length: 12 }, () => setup.due(SHORT));
      await setup.agent.untilRolledOut();
      const ids = [...early, ...late];
      await setup.untilAll(ids, "Success");
      await setup.untilNoJobs();
      expect(ids.map((id) => setup.statesOf(id))).toEqual(ids.map(() => SUCCESS_STATES));
      const launched = jobWatch.flowRunIds.filter((id) => ids.includes(id));
      expect(launched.sort()).toEqual([...ids].sort());
      expect(auditedCreations(setup.namespace)).toBeOneOf([jobWatch.flowRunIds.length, undefined]);
    });

    it("logs why a pod failed, with the last lines of its log", async () => {
      const id = setup.due("state Running Running; echo last line; exit 3");
      await setup.untilAll([id], "Failed");
      const message = setup.prefect.logsOf(id).find(({ level }) => level === "ERROR")?.message;
      expect(message).toContain("exited with code 3");
      expect(message).toContain("last line");
      await setup.untilNoJobs();
    });

    it("deletes the Job and the Dask cluster of a cancelled run", async () => {
      const id = setup.due(FOREVER);
      await setup.untilAll([id], "Running");
      const cluster = `dask-${id}-0123abcd-4`;
      setup.apply(daskOf(cluster, setup.namespace));
      setup.prefect.setState(id, { type: "Cancelling", message: "by hand" });
      await setup.untilAll([id], "Cancelled");
      await setup.untilNoJobs();
      const left = (): string =>
        mustKubectl([
          "get",
          "pods,services,pdb",
          "-l",
          `dask.org/cluster-name=${cluster}`,
          ...setup.namespaceFlags,
          "-o",
          "name",
        ]);
      await vi.waitFor(() => expect(left()).toBe(""), { timeout: 60_000, interval: 500 });
    });

    it("needs exactly the permissions that it has", async (context) => {
      expect(setup.agent.lines.join("\n")).toContain("Became the leader");
      expect(setup.errors()).toEqual([]);
      const calls = await setup.callsOf("prefect-agent");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isForbidden)).toEqual([]);
      const used = new Set(calls.filter(({ namespace }) => namespace === setup.namespace).map(permissionOf));
      const granted = grantedPermissions(setup.namespace);
      expect([...used].filter((permission) => !granted.includes(permission))).toEqual([]);
      const unused = granted.filter((permission) => !used.has(permission));
      process.stderr.write(
        `permissions used: ${[...used].sort().join(", ")}\nnot used: ${unused.join(", ") || "none"}\n`,
      );
      expect(unused.filter((permission) => !(permission in USED_SOMETIMES))).toEqual([]);
    });
  });

  describe("with --rbac, in the namespace of kubectl apply --namespace", () => {
    let setup: TestSetup;

    beforeAll(async () => {
      setup = await TestSetup.open("applied");
      const template = {
        metadata: { labels: { "from-the": "template" } },
        spec: {
          template: {
            spec: {
              containers: [
                {
                  name: "flow",
                  image: "busybox:latest",
                  imagePullPolicy: "IfNotPresent",
                  env: [{ name: "WHERE", value: "from the template" }],
                },
              ],
            },
          },
        },
      };
      const config = '[cloud.agent]\nlevel = "DEBUG"\n';
      await setup.install(
        [
          "--rbac",
          "--disable-job-deletion",
          `--config-toml=${folder.file("config.toml", config)}`,
          `--job-template=${folder.file("job.yaml", JSON.stringify(template))}`,
        ],
        ["--namespace", setup.namespace],
      );
    });

    afterAll(async () => {
      await setup?.close();
    });

    it("runs as the ServiceAccount default", async () => {
      expect(setup.agent.pods()).toMatchObject([{ spec: { serviceAccountName: "default" } }]);
      const id = setup.due(SUCCEEDS);
      await setup.untilAll([id], "Success");
      expect(listed("jobs", setup.namespace)).toHaveLength(1);
    });

    it("creates Jobs from the job template in its ConfigMap", async () => {
      const flow = setup.prefect.createFlow({ name: "shell" });
      const { id } = setup.prefect.createFlowRun({ flow, runConfig: { type: "KubernetesRun" } });
      const ours = (): readonly ReturnType<typeof listed>[number][] =>
        listed("jobs", setup.namespace).filter(
          ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
        );
      await vi.waitFor(() => expect(ours()).toHaveLength(1), { timeout: 60_000, interval: 500 });
      const name = ours()[0]?.metadata.name ?? "";
      const job = JSON.parse(mustKubectl(["get", "job", name, ...setup.namespaceFlags, "-o", "json"]));
      expect(job.metadata.labels).toMatchObject({ "from-the": "template" });
      const [container] = job.spec.template.spec.containers;
      expect(container).toMatchObject({ image: "busybox:latest" });
      expect(container.env).toContainEqual({ name: "WHERE", value: "from the template" });
    });

    it("logs at the level in the config.toml of its ConfigMap", async () => {
      const debugs = (): readonly string[] => setup.agent.lines.filter((line) => / DEBUG /.test(line));
      await vi.waitFor(() => expect(debugs().length).toBeGreaterThan(0), { timeout: 60_000, interval: 500 });
    });

    it("becomes Ready as a user that the namespace assigns, as on OpenShift", async () => {
      const patch = { spec: { template: { spec: { securityContext: { runAsUser: 1_000_650_000 } } } } };
      const argv = ["patch", "deployment", "prefect-agent", "-p", JSON.stringify(patch)];
      mustKubectl([...argv, ...setup.namespaceFlags]);
      await setup.agent.untilRolledOut();
      const user = "{.items[*].spec.securityContext.runAsUser}";
      const users = mustKubectl(["get", "pods", "-o", `jsonpath=${user}`, ...setup.namespaceFlags]);
      expect(users).toContain("1000650000");
    });

    it("sends no forbidden request", async (context) => {
      expect(setup.errors()).toEqual([]);
      const calls = await setup.callsOf("default");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isForbidden)).toEqual([]);
    });
  });

  describe("with --replicas 2 and --resource-manager, under the restricted Pod Security Standard", () => {
    let setup: TestSetup;

    beforeAll(async () => {
      setup = await TestSetup.open("replicas", { restricted: true });
      const flags = ["--replicas", "2", "--resource-manager", "--rbac=minimal", "--name", "night-shift"];
      setup.apply(completedDaskPod(setup.namespace));
      markLongCompleted("left-over", setup.namespace);
      await setup.install([...flags, "-n", setup.namespace]);
    });

    afterAll(async () => {
      await setup?.close();
    });

    it("has two Ready pods, each with an agent and a resource manager", () => {
      const statuses = setup.agent.pods().map(({ status }) => status.containerStatuses ?? []);
      const ready = [
        { name: "agent", ready: true, restartCount: 0 },
        { name: "resource-manager", ready: true, restartCount: 0 },
      ];
      expect(statuses).toMatchObject([ready, ready]);
    });

    it("deletes a Dask pod that completed long ago", async () => {
      const left = (): readonly string[] =>
        listed("pods", setup.namespace).map(({ metadata }) => metadata.name);
      await vi.waitFor(() => expect(left()).not.toContain("left-over"), { timeout: 90_000, interval: 500 });
    });

    it("has one active agent; the other takes over when that one is killed", async () => {
      const first = holder(setup.namespace);
      const before = setup.due(SUCCEEDS);
      await setup.untilAll([before], "Success");
      expect(setup.agent.pods().map(({ metadata }) => metadata.name)).toContain(first);
      mustKubectl([
        "delete",
        "pod",
        first,
        ...setup.namespaceFlags,
        "--grace-period=0",
        "--force",
        "--wait=false",
      ]);
      const after = setup.due(SUCCEEDS);
      await setup.untilAll([after], "Success");
      // The first agent may live a moment longer and launch this run.
      await vi.waitFor(() => expect(["", first]).not.toContain(holder(setup.namespace)), TAKEOVER);
      const last = setup.due(SUCCEEDS);
      await setup.untilAll([last], "Success");
      expect([after, last].map((id) => setup.statesOf(id))).toEqual([SUCCESS_STATES, SUCCESS_STATES]);
      await setup.untilNoJobs();
    });

    it("sends no forbidden request, nor does the resource manager", async (context) => {
      expect(setup.errors()).toEqual([]);
      const calls = await setup.callsOf("prefect-agent");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isForbidden)).toEqual([]);
    });
  });
});

/** A namespace, a fake Prefect that its pods can reach, and the agent that is installed there. */
class TestSetup {
  readonly namespace: string;
  readonly agent: InstalledAgent;
  readonly #reachable: ReachablePrefect;
  readonly #container: JsonObject;
  readonly #since = auditPosition();

  private constructor(namespace: string, reachable: ReachablePrefect, container: JsonObject) {
    this.namespace = namespace;
    this.agent = new InstalledAgent(namespace);
    this.#reachable = reachable;
    this.#container = container;
  }

  static async open(what: string, { restricted = false } = {}): Promise<TestSetup> {
    const namespace = await createNamespace(`in-cluster-${what}`);
    if (restricted) restrict(namespace);
    return new TestSetup(namespace, await startReachablePrefect(), restricted ? RESTRICTED : {});
  }

  get prefect(): ReachablePrefect["prefect"] {
    return this.#reachable.prefect;
  }

  /** As flags of kubectl. */
  get namespaceFlags(): readonly string[] {
    return ["-n", this.namespace];
  }

  install(flags: readonly string[], applyFlags: readonly string[] = []): Promise<void> {
    const where = ["--backend", "server", "--api", this.#reachable.api];
    return this.agent.install(["--image", image, ...where, ...flags], applyFlags);
  }

  apply(objects: readonly JsonObject[]): void {
    mustKubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  }

  due(script: string): string {
    const flow = this.prefect.createFlow({ name: "shell" });
    return this.prefect.createFlowRun({ flow, runConfig: shellRun(script, this.#container) }).id;
  }

  stateOf(id: string): string {
    return this.prefect.flowRun(id)?.state ?? "";
  }

  /** The states that a run has had. */
  statesOf(id: string): readonly string[] {
    return this.prefect.history(id).map(({ type }) => type);
  }

  untilAll(ids: readonly string[], state: string): Promise<void> {
    const reached = (): boolean => ids.every((id) => this.stateOf(id) === state);
    return this.prefect.until(reached, { what: `${ids.length} × ${state}`, timeoutMs: 180_000 });
  }

  async untilNoJobs(): Promise<void> {
    const check = (): void => expect(listed("jobs", this.namespace)).toEqual([]);
    await vi.waitFor(check, { timeout: 60_000, interval: 500 });
  }

  /** Lines of the agent's log that report an error. */
  errors(): readonly string[] {
    return this.agent.lines.filter((line) =>
      /forbidden|not allowed|Missing permissions for|Lost leadership/i.test(line),
    );
  }

  /** The requests of a ServiceAccount so far; undefined without an audit log. */
  async callsOf(account: string): Promise<readonly AuditedCall[] | undefined> {
    if (this.#since === undefined) return undefined;
    return auditedCalls(`system:serviceaccount:${this.namespace}:${account}`, this.#since);
  }

  async close(): Promise<void> {
    this.agent.stopFollowingLogs();
    await this.prefect.stop();
    removeNamespace(this.namespace);
  }
}

function permissionOf({ verb, group, resource }: Pick<AuditedCall, "verb" | "group" | "resource">): string {
  return `${verb} ${group === "" ? resource : `${resource}.${group}`}`;
}

/** Whether a right is missing. The uid of kube-system is asked for, and done without where it may not be read. */
function isForbidden({ code, namespace, resource }: AuditedCall): boolean {
  if (resource === "namespaces" && namespace === "kube-system") return false;
  return code === 401 || code === 403;
}

/** The permissions of the installed Role. */
function grantedPermissions(namespace: string): readonly string[] {
  const { items } = JSON.parse(mustKubectl(["get", "roles", "-n", namespace, "-o", "json"])) as {
    items: { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] }[];
  };
  const rules = items.flatMap((role) => role.rules);
  return rules.flatMap(({ apiGroups: [group = ""], resources: [resource = ""], verbs }) =>
    verbs.map((verb) => permissionOf({ verb, group, resource })),
  );
}

/** The pod that holds the Lease. */
function holder(namespace: string): string {
  const path = "jsonpath={.items[0].spec.holderIdentity}";
  return mustKubectl(["get", "leases", "-n", namespace, "-o", path]).split("_")[0] ?? "";
}

/** A classic Dask cluster as dask-kubernetes makes it: a worker, a Service and a PodDisruptionBudget. */
function daskOf(cluster: string, namespace: string): readonly JsonObject[] {
  const labels = { app: "dask", "dask.org/cluster-name": cluster };
  const selector = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
  const worker = {
    name: "worker",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    command: ["sleep", "600"],
  };
  return [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${cluster}-worker`,
        namespace,
        labels: { ...labels, "dask.org/component": "worker" },
      },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ ...worker, ...RESTRICTED }] },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: cluster, namespace, labels },
      spec: { selector, ports: [{ port: 8786 }] },
    },
    {
      apiVersion: serverMinor() >= 21 ? "policy/v1" : "policy/v1beta1",
      kind: "PodDisruptionBudget",
      metadata: { name: cluster, namespace, labels },
      spec: { minAvailable: 1, selector: { matchLabels: selector } },
    },
  ];
}

/** A Dask worker that cannot be scheduled, so that the test can set its status. */
function completedDaskPod(namespace: string): readonly JsonObject[] {
  const labels = { app: "dask", "dask.org/cluster-name": "old", "dask.org/component": "worker" };
  return [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "left-over", namespace, labels },
      spec: {
        nodeSelector: { "example.com/nowhere": "true" },
        containers: [{ name: "worker", image: "busybox:latest", ...RESTRICTED }],
      },
    },
  ];
}

/** Sets a pod's status to completed an hour ago. */
function markLongCompleted(pod: string, namespace: string): void {
  const finishedAt = new Date(Date.now() - 3_600_000).toISOString();
  const terminated = { exitCode: 0, reason: "Completed", startedAt: finishedAt, finishedAt };
  const container = {
    name: "worker",
    image: "busybox:latest",
    imageID: "",
    ready: false,
    restartCount: 0,
    state: { terminated },
  };
  const patch = { status: { phase: "Succeeded", containerStatuses: [container] } };
  const what = ["patch", "pod", pod, "-n", namespace, "--subresource=status"];
  mustKubectl([...what, "--type=merge", "-p", JSON.stringify(patch)]);
}
