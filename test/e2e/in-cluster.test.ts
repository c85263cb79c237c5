// The agent in the cluster, installed with `install | kubectl apply`: the built image, its own ServiceAccount, real pods.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { auditedCalls, auditedCreations, auditPosition } from "./support/audit-log.ts";
import type { AuditedCall } from "./support/audit-log.ts";
import { loadAgentImage, noAgentImageReason } from "./support/agent-image.ts";
import { InstalledAgent } from "./support/installed-agent.ts";
import { JobWatch } from "./support/job-watch.ts";
import { KubeconfigFolder } from "./support/kubeconfig.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import { apply, daskFront, daskPod, DONE, remaining, WORKS } from "./support/leftovers.ts";
import { RESTRICTED, restrict } from "./support/restricted.ts";
import { RUNS_ON, SUCCEEDS, shellRun } from "./support/shell-flow.ts";
import { eventually, TestSetup } from "./support/test-setup.ts";

const absent = noAgentImageReason();
if (absent !== undefined) process.stderr.write(`skipped, the agent in the cluster: ${absent}\n`);

const SHORT = "state Running Running; sleep 2; state Success Done";
const LONG = "state Running Running; sleep 25; state Success Done";
const NO_AUDIT = "E2E_AUDIT_LOG does not name an audit log";
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
    let setup: InstalledSetup;
    let jobWatch: JobWatch;

    beforeAll(async () => {
      setup = await InstalledSetup.open("minimal", { restricted: true });
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
      await setup.untilState(ids, "Success");
      await setup.untilNoJobs();
      expect(ids.map((id) => setup.prefect.statesOf(id))).toEqual(ids.map(() => SUCCESS_STATES));
    });

    it("launches every run exactly once during kubectl rollout restart", async () => {
      // The last run still runs when the agent that created its Job has stopped and another agent has become the Job's owner.
      const early = [...Array.from({ length: 12 }, () => setup.due(SHORT)), setup.due(LONG)];
      const isRunning = (): boolean => early.some((id) => setup.prefect.stateOf(id) === "Running");
      await setup.prefect.until(isRunning, { what: "a running flow run", timeoutMs: 60_000 });
      setup.agent.restart();
      const late = Array.from({ length: 12 }, () => setup.due(SHORT));
      await setup.agent.untilRolledOut();
      const ids = [...early, ...late];
      await setup.untilState(ids, "Success");
      await setup.untilNoJobs();
      expect(ids.map((id) => setup.prefect.statesOf(id))).toEqual(ids.map(() => SUCCESS_STATES));
      const launched = jobWatch.flowRunIds.filter((id) => ids.includes(id));
      expect(launched.sort()).toEqual([...ids].sort());
      expect(auditedCreations(setup.namespace)).toBeOneOf([jobWatch.flowRunIds.length, undefined]);
    });

    it("logs why a pod failed, with the last lines of its log", async () => {
      const id = setup.due("state Running Running; echo last line; exit 3");
      await setup.untilState(id, "Failed");
      const message = setup.prefect.logsOf(id).find(({ level }) => level === "ERROR")?.message;
      expect(message).toContain("exited with code 3");
      expect(message).toContain("last line");
      await setup.untilNoJobs();
    });

    it("deletes the Job and the Dask cluster of a cancelled run", async () => {
      const id = setup.due(RUNS_ON);
      await setup.untilState(id, "Running");
      const cluster = `dask-${id}-0123abcd-4`;
      const worker = daskPod(`${cluster}-worker`, cluster, { script: WORKS, container: RESTRICTED });
      apply(setup.namespace, [worker, ...daskFront(cluster)]);
      setup.prefect.setState(id, { type: "Cancelling", message: "by hand" });
      await setup.untilState(id, "Cancelled");
      await setup.untilNoJobs();
      const left = (): string[] => remaining(setup.namespace).filter((name) => name.includes(cluster));
      await eventually(() => expect(left()).toEqual([]));
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
    let setup: InstalledSetup;

    beforeAll(async () => {
      setup = await InstalledSetup.open("applied");
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
      await setup.untilState(id, "Success");
      expect(listed("jobs", setup.namespace)).toHaveLength(1);
    });

    it("creates Jobs from the job template in its ConfigMap", async () => {
      const flow = setup.prefect.createFlow({ name: "shell" });
      const { id } = setup.prefect.createFlowRun({ flow, runConfig: { type: "KubernetesRun" } });
      await eventually(() => expect(setup.ofRun("jobs", id)).toHaveLength(1));
      const name = setup.ofRun("jobs", id)[0]?.metadata.name ?? "";
      const job = JSON.parse(setup.kubectl("get", "job", name, "-o", "json"));
      expect(job.metadata.labels).toMatchObject({ "from-the": "template" });
      const [container] = job.spec.template.spec.containers;
      expect(container).toMatchObject({ image: "busybox:latest" });
      expect(container.env).toContainEqual({ name: "WHERE", value: "from the template" });
    });

    it("logs at the level in the config.toml of its ConfigMap", async () => {
      const debugs = (): readonly string[] => setup.agent.lines.filter((line) => / DEBUG /.test(line));
      await eventually(() => expect(debugs().length).toBeGreaterThan(0));
    });

    it("becomes Ready as a user that the namespace assigns, as on OpenShift", async () => {
      const patch = { spec: { template: { spec: { securityContext: { runAsUser: 1_000_650_000 } } } } };
      setup.kubectl("patch", "deployment", "prefect-agent", "-p", JSON.stringify(patch));
      await setup.agent.untilRolledOut();
      const user = "{.items[*].spec.securityContext.runAsUser}";
      const users = setup.kubectl("get", "pods", "-o", `jsonpath=${user}`);
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
    let setup: InstalledSetup;

    beforeAll(async () => {
      setup = await InstalledSetup.open("replicas", { restricted: true });
      const flags = ["--replicas", "2", "--resource-manager", "--rbac=minimal", "--name", "night-shift"];
      // It cannot be scheduled, so that the test can set its status.
      const pod = { nodeSelector: { "example.com/nowhere": "true" } };
      apply(setup.namespace, [daskPod("left-over", "old", { script: DONE, pod, container: RESTRICTED })]);
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
      await eventually(() => expect(left()).not.toContain("left-over"));
    });

    it("has one active agent; the other takes over when that one is killed", async () => {
      const first = holder(setup.namespace);
      const before = setup.due(SUCCEEDS);
      await setup.untilState(before, "Success");
      expect(setup.agent.pods().map(({ metadata }) => metadata.name)).toContain(first);
      setup.kubectl("delete", "pod", first, "--grace-period=0", "--force", "--wait=false");
      const after = setup.due(SUCCEEDS);
      await setup.untilState(after, "Success");
      // The first agent may live a moment longer and launch this run.
      await eventually(() => expect(["", first]).not.toContain(holder(setup.namespace)));
      const last = setup.due(SUCCEEDS);
      await setup.untilState(last, "Success");
      expect([after, last].map((id) => setup.prefect.statesOf(id))).toEqual([SUCCESS_STATES, SUCCESS_STATES]);
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

/** With an agent that is installed in the namespace. */
class InstalledSetup extends TestSetup {
  readonly agent = new InstalledAgent(this.namespace);
  readonly #since = auditPosition();
  readonly #container: JsonObject;

  private constructor(setup: TestSetup, container: JsonObject) {
    super(setup, setup.namespace);
    this.#container = container;
  }

  static override async open(what: string, { restricted = false } = {}): Promise<InstalledSetup> {
    const setup = await TestSetup.open(`in-cluster-${what}`);
    if (restricted) restrict(setup.namespace);
    return new InstalledSetup(setup, restricted ? RESTRICTED : {});
  }

  override async close(): Promise<void> {
    this.agent.stopFollowingLogs();
    await super.close();
  }

  install(flags: readonly string[], applyFlags: readonly string[] = []): Promise<void> {
    const where = ["--backend", "server", "--api", this.api];
    return this.agent.install(["--image", image, ...where, ...flags], applyFlags);
  }

  /** Creates a due run that the namespace's policies admit. */
  override due(script: string): string {
    return super.due(shellRun(script, this.#container));
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
