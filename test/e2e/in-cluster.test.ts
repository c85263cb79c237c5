// The agent in the cluster, as `install | kubectl apply` puts it there: the packed image, its own ServiceAccount, real pods.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { auditedCalls, auditedCreations, auditPosition } from "./support/audit-log.ts";
import type { AuditedCall } from "./support/audit-log.ts";
import { loadAgentImage, whyNoAgentImage } from "./support/agent-image.ts";
import { InstalledAgent } from "./support/installed-agent.ts";
import { JobBirths } from "./support/job-births.ts";
import { KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { RESTRICTED, restrict } from "./support/restricted.ts";
import { GOES_WELL, shellRun } from "./support/shell-flow.ts";

const absent = whyNoAgentImage();
if (absent !== undefined) process.stderr.write(`skipped, the agent in the cluster: ${absent}\n`);

const WORKS = "state Running Running; sleep 2; state Success Done";
const WORKS_ON = "state Running Running; sleep 25; state Success Done";
const FOREVER = "state Running Running; trap 'exit 143' TERM; while true; do sleep 0.2; done";
const NO_AUDIT = "E2E_AUDIT_LOG names no audit log";
const TAKEOVER = { timeout: 60_000, interval: 200 };
const RIGHT_STEPS = ["Scheduled", "Submitted", "Running", "Success"];

/** Rights of the agent that the runs here need not call for, and when it calls for them. */
const ONLY_SOMETIMES: Readonly<Record<string, string>> = {
  "get jobs.batch":
    "a Job's name is taken already, or a Job is to be judged that is not over by its own account",
  "patch jobs.batch": "an agent takes over the story of a Job whose own agent is gone",
  "get pods": "a run is to be failed whose Job is not over by its own account",
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

  describe("with --rbac=minimal, where pods are restricted", () => {
    let world: World;
    let births: JobBirths;

    beforeAll(async () => {
      world = await World.open("minimal", { restricted: true });
      births = new JobBirths(world.namespace);
      await world.install([
        "--rbac=minimal",
        "--leader-elect",
        "--cancel-grace",
        "3s",
        "-n",
        world.namespace,
      ]);
    });

    afterAll(async () => {
      births?.stop();
      await world?.close();
    });

    it("becomes Ready under its own ServiceAccount", () => {
      expect(world.agent.pods()).toMatchObject([
        {
          spec: { serviceAccountName: "prefect-agent" },
          status: { containerStatuses: [{ name: "agent", ready: true, restartCount: 0 }] },
        },
      ]);
    });

    it("runs flow runs, and removes their Jobs", async () => {
      const ids = Array.from({ length: 10 }, () => world.due(GOES_WELL));
      await world.untilAll(ids, "Success");
      await world.untilNoJobs();
      expect(ids.map((id) => world.steps(id))).toEqual(ids.map(() => RIGHT_STEPS));
    });

    it("survives kubectl rollout restart while runs are in flight: none is lost, none is doubled", async () => {
      // The last one outlives the agent that made its Job, and the silence after which another tells its story.
      const early = [...Array.from({ length: 12 }, () => world.due(WORKS)), world.due(WORKS_ON)];
      const underWay = (): boolean => early.some((id) => world.stateOf(id) === "Running");
      await world.prefect.until(underWay, { what: "runs under way", timeoutMs: 60_000 });
      world.agent.restart();
      const late = Array.from({ length: 12 }, () => world.due(WORKS));
      await world.agent.untilRolledOut();
      const ids = [...early, ...late];
      await world.untilAll(ids, "Success");
      await world.untilNoJobs();
      expect(ids.map((id) => world.steps(id))).toEqual(ids.map(() => RIGHT_STEPS));
      const made = births.flowRunIds.filter((id) => ids.includes(id));
      expect(made.sort()).toEqual([...ids].sort());
      expect(auditedCreations(world.namespace)).toBeOneOf([births.flowRunIds.length, undefined]);
    });

    it("tells what became of a pod that failed, with the last lines of its log", async () => {
      const id = world.due("state Running Running; echo last words; exit 3");
      await world.untilAll([id], "Failed");
      const told = world.prefect.logsOf(id).find(({ level }) => level === "ERROR")?.message;
      expect(told).toContain("exited with code 3");
      expect(told).toContain("last words");
      await world.untilNoJobs();
    });

    it("ends a cancelled run with its Job and its Dask cluster", async () => {
      const id = world.due(FOREVER);
      await world.untilAll([id], "Running");
      const cluster = `dask-${id}-0123abcd-4`;
      world.apply(daskOf(cluster, world.namespace));
      world.prefect.setState(id, { type: "Cancelling", message: "by hand" });
      await world.untilAll([id], "Cancelled");
      await world.untilNoJobs();
      const left = (): string =>
        mustKubectl([
          "get",
          "pods,services,pdb",
          "-l",
          `dask.org/cluster-name=${cluster}`,
          ...world.place,
          "-o",
          "name",
        ]);
      await vi.waitFor(() => expect(left()).toBe(""), { timeout: 60_000, interval: 500 });
    });

    it("asks for nothing that it may not, and for all that it may", async (context) => {
      expect(world.agent.lines.join("\n")).toContain("Became the leader");
      expect(world.errors()).toEqual([]);
      const calls = await world.callsOf("prefect-agent");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isRefused)).toEqual([]);
      const used = new Set(calls.filter(({ namespace }) => namespace === world.namespace).map(rightOf));
      const granted = rightsGranted(world.namespace);
      expect([...used].filter((right) => !granted.includes(right))).toEqual([]);
      const unused = granted.filter((right) => !used.has(right));
      process.stderr.write(
        `rights used: ${[...used].sort().join(", ")}\nnot used: ${unused.join(", ") || "none"}\n`,
      );
      expect(unused.filter((right) => !(right in ONLY_SOMETIMES))).toEqual([]);
    });
  });

  describe("with --rbac and no namespace of its own, which kubectl apply --namespace gives", () => {
    let world: World;

    beforeAll(async () => {
      world = await World.open("applied");
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
      await world.install(
        [
          "--rbac",
          "--disable-job-deletion",
          `--config-toml=${folder.file("config.toml", config)}`,
          `--job-template=${folder.file("job.yaml", JSON.stringify(template))}`,
        ],
        ["--namespace", world.namespace],
      );
    });

    afterAll(async () => {
      await world?.close();
    });

    it("works there as the ServiceAccount default", async () => {
      expect(world.agent.pods()).toMatchObject([{ spec: { serviceAccountName: "default" } }]);
      const id = world.due(GOES_WELL);
      await world.untilAll([id], "Success");
      expect(listed("jobs", world.namespace)).toHaveLength(1);
    });

    it("makes Jobs from the ConfigMap with the job template", async () => {
      const flow = world.prefect.createFlow({ name: "shell" });
      const { id } = world.prefect.createFlowRun({ flow, runConfig: { type: "KubernetesRun" } });
      const ours = (): readonly ReturnType<typeof listed>[number][] =>
        listed("jobs", world.namespace).filter(
          ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
        );
      await vi.waitFor(() => expect(ours()).toHaveLength(1), { timeout: 60_000, interval: 500 });
      const name = ours()[0]?.metadata.name ?? "";
      const job = JSON.parse(mustKubectl(["get", "job", name, ...world.place, "-o", "json"]));
      expect(job.metadata.labels).toMatchObject({ "from-the": "template" });
      const [container] = job.spec.template.spec.containers;
      expect(container).toMatchObject({ image: "busybox:latest" });
      expect(container.env).toContainEqual({ name: "WHERE", value: "from the template" });
    });

    it("logs at the level of the ConfigMap with config.toml", async () => {
      const debugs = (): readonly string[] => world.agent.lines.filter((line) => / DEBUG /.test(line));
      await vi.waitFor(() => expect(debugs().length).toBeGreaterThan(0), { timeout: 60_000, interval: 500 });
    });

    it("asks for nothing that it may not", async (context) => {
      expect(world.errors()).toEqual([]);
      const calls = await world.callsOf("default");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isRefused)).toEqual([]);
    });
  });

  describe("with --replicas 2 and --resource-manager, where pods are restricted", () => {
    let world: World;

    beforeAll(async () => {
      world = await World.open("replicas", { restricted: true });
      const flags = ["--replicas", "2", "--resource-manager", "--rbac=minimal", "--name", "night-shift"];
      world.apply(completedDaskPod(world.namespace));
      markLongCompleted("left-over", world.namespace);
      await world.install([...flags, "-n", world.namespace]);
    });

    afterAll(async () => {
      await world?.close();
    });

    it("has two agents and a resource manager beside each, all Ready", () => {
      const statuses = world.agent.pods().map(({ status }) => status.containerStatuses ?? []);
      const ready = [
        { name: "agent", ready: true, restartCount: 0 },
        { name: "resource-manager", ready: true, restartCount: 0 },
      ];
      expect(statuses).toMatchObject([ready, ready]);
    });

    it("removes with it a Dask pod that completed long ago", async () => {
      const left = (): readonly string[] =>
        listed("pods", world.namespace).map(({ metadata }) => metadata.name);
      await vi.waitFor(() => expect(left()).not.toContain("left-over"), { timeout: 90_000, interval: 500 });
    });

    it("lets one agent work, and the other take over when that one is killed", async () => {
      const first = holder(world.namespace);
      const before = world.due(GOES_WELL);
      await world.untilAll([before], "Success");
      expect(world.agent.pods().map(({ metadata }) => metadata.name)).toContain(first);
      mustKubectl(["delete", "pod", first, ...world.place, "--grace-period=0", "--force", "--wait=false"]);
      const after = world.due(GOES_WELL);
      await world.untilAll([after], "Success");
      // The kubelet lets it live for another moment, in which it may have begun this run, too.
      await vi.waitFor(() => expect(["", first]).not.toContain(holder(world.namespace)), TAKEOVER);
      const last = world.due(GOES_WELL);
      await world.untilAll([last], "Success");
      expect([after, last].map((id) => world.steps(id))).toEqual([RIGHT_STEPS, RIGHT_STEPS]);
      await world.untilNoJobs();
    });

    it("asks for nothing that it may not, nor does the resource manager", async (context) => {
      expect(world.errors()).toEqual([]);
      const calls = await world.callsOf("prefect-agent");
      if (calls === undefined) return context.skip(NO_AUDIT);
      expect(calls.filter(isRefused)).toEqual([]);
    });
  });
});

/** A namespace, a Prefect that its pods reach, and the agent that is installed there. */
class World {
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

  static async open(what: string, { restricted = false } = {}): Promise<World> {
    const namespace = await createNamespace(`in-cluster-${what}`);
    if (restricted) restrict(namespace);
    return new World(namespace, await startReachablePrefect(), restricted ? RESTRICTED : {});
  }

  get prefect(): ReachablePrefect["prefect"] {
    return this.#reachable.prefect;
  }

  /** As kubectl's flags. */
  get place(): readonly string[] {
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
  steps(id: string): readonly string[] {
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

  /** Lines of the agent's log that must not be there. */
  errors(): readonly string[] {
    return this.agent.lines.filter((line) =>
      /forbidden|not allowed|Without these rights|Lost the lead/i.test(line),
    );
  }

  /** What a ServiceAccount here asked of the API server so far; undefined: there is no audit log. */
  async callsOf(account: string): Promise<readonly AuditedCall[] | undefined> {
    if (this.#since === undefined) return undefined;
    return auditedCalls(`system:serviceaccount:${this.namespace}:${account}`, this.#since);
  }

  async close(): Promise<void> {
    this.agent.stopListening();
    await this.prefect.stop();
    removeNamespace(this.namespace);
  }
}

function rightOf({ verb, group, resource }: Pick<AuditedCall, "verb" | "group" | "resource">): string {
  return `${verb} ${group === "" ? resource : `${resource}.${group}`}`;
}

function isRefused({ code }: AuditedCall): boolean {
  return code === 401 || code === 403;
}

/** What the installed Role grants, in the same words. */
function rightsGranted(namespace: string): readonly string[] {
  const role = JSON.parse(mustKubectl(["get", "role/prefect-agent-rbac", "-n", namespace, "-o", "json"])) as {
    rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  };
  return role.rules.flatMap(({ apiGroups: [group = ""], resources: [resource = ""], verbs }) =>
    verbs.map((verb) => rightOf({ verb, group, resource })),
  );
}

/** The pod that holds the Lease. */
function holder(namespace: string): string {
  const path = "jsonpath={.spec.holderIdentity}";
  return (
    mustKubectl(["get", "lease/prefect-agent-night-shift", "-n", namespace, "-o", path]).split(":")[0] ?? ""
  );
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

/** A Dask worker that no node takes, so that its status can be told. */
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

/** Tells in a pod's status that it completed an hour ago. */
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
