// What does not end or go away in its time: pods on dead nodes, Jobs with finalizers, policies that refuse, nodes that take no
// pod. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { CLAIM_KEY } from "../../../src/prefect1/claim.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const AGENT = { name: "a", labels: ["x"] };
let world: World;

afterEach(() => world.close());

function dueRun(script: Parameters<World["dueRun"]>[0] = {}): string {
  return world.dueRun({ labels: ["x"], ...script });
}

function untilRunning(id: string): Promise<void> {
  return world.time.until(() => world.state(id) === "Running", MINUTE);
}

function putDask(id: string, labels: Readonly<Record<string, string>> = {}): void {
  const cluster = `dask-${id}-03d5b8bb-0`;
  for (const role of ["scheduler", "worker"])
    world.kube.put("pods", {
      metadata: {
        name: `${cluster}${role}`,
        namespace: "default",
        labels: { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role, ...labels },
      },
      spec: { containers: [{ name: "dask", image: "dask:1" }] },
      status: { phase: "Running" },
    });
}

const daskPods = (): number =>
  world.kube.list("pods").filter(({ metadata }) => metadata.labels?.["app"] === "dask").length;

describe("a policy that refuses every change of a Job", () => {
  it.each([400, 403, 422])("with %i does not keep another process from reporting its end", async (status) => {
    world = new World();
    const first = world.start(AGENT);
    const id = dueRun({ script: { outcome: "never" } });
    await untilRunning(id);
    first.stop();
    await world.time.pass(5 * SECOND);
    world.start(AGENT);
    world.kube.fault({
      match: ({ verb, resource }) => verb === "patch" && resource === "jobs",
      effect: { kind: "status", status, message: "policy 'owner' denied request: no owner label" },
      times: Number.POSITIVE_INFINITY,
    });
    world.prefect.setState(id, { type: "Cancelling" });
    await world.time.until(() => world.state(id) === "Cancelled", 10 * MINUTE);
    expect(world.jobs(id)).toEqual([]);
  });
});

describe("a pod on a node that died", () => {
  /** The taint manager deletes it, and no kubelet ends it. */
  function loseNode(): void {
    const [pod] = world.kube.list("pods");
    const iso = (ms: number): string => new Date(world.time.nowMs + ms).toISOString();
    const condition = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager" };
    const held = { deletionTimestamp: iso(30 * SECOND), deletionGracePeriodSeconds: 360_000 };
    const conditions = [{ ...condition, lastTransitionTime: iso(0) }];
    world.kube.put("pods", {
      ...pod,
      metadata: { ...pod?.metadata, ...held },
      status: { ...pod?.status, conditions },
    });
  }

  const template = (spec: JsonObject): JsonObject => {
    const pod = { restartPolicy: "Never", containers: [{ name: "flow" }] };
    const job = { apiVersion: "batch/v1", kind: "Job", spec: { ...spec, template: { spec: pod } } };
    return { type: "KubernetesRun", job_template: job };
  };

  it.each([{}, { podReplacementPolicy: "Failed" }])(
    "does not hold up its restarted run, although failed Jobs are kept: %j",
    async (spec) => {
      world = new World({ kube: { killMs: 600 * MINUTE } });
      world.start({ ...AGENT, policy: { onDisruption: "retry", deleteFailedAfterMs: undefined } });
      const id = dueRun({ script: { outcome: "never" }, runConfig: template(spec) });
      await untilRunning(id);
      loseNode();
      world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
      await world.time.until(() => world.state(id) === "Success", 10 * MINUTE);
      expect(world.messages(id).filter((line) => line.startsWith("Submitted again"))).toEqual([]);
    },
  );

  it("does not keep a claim from getting its Job after a crash", async () => {
    world = new World({ kube: { killMs: 600 * MINUTE } });
    const id = dueRun();
    const uid = (name: string): string | undefined =>
      world.kube.get("namespaces", undefined, name)?.metadata.uid;
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "00000000" };
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "x" }] } };
    world.kube.put("jobs", {
      metadata: {
        name: "old",
        namespace: "default",
        labels,
        annotations: { "prefect.io/agent": JSON.stringify({ ...AGENT, process: "dead" }) },
        deletionTimestamp: new Date(world.time.nowMs - MINUTE).toISOString(),
        finalizers: ["foregroundDeletion", "test/stuck"],
      },
      spec: { backoffLimit: 0, template },
      status: { active: 1 },
    });
    const identities = { namespaceUid: uid("default"), clusterUid: uid("kube-system"), ca: "ca-0" };
    const place = { namespace: "default", ...identities };
    const claim = { id: "c", place, identifier: "aaaaaaaa", agent: AGENT, process: "dead" };
    world.prefect.setState(id, { type: "Submitted", context: { [CLAIM_KEY]: claim } });
    world.start(AGENT);
    await world.time.until(() => world.state(id) === "Success", 5 * MINUTE);
    expect(world.messages(id).join("\n")).not.toContain("was deleted");
  });
});

describe("a Job that vanished while its node was dead and no agent watched", () => {
  it("fails its run, although its pod never ends", async () => {
    world = new World();
    const first = world.start(AGENT);
    const id = dueRun({ script: { outcome: "never" } });
    world.idleRuns.add(id);
    await world.time.until(() => world.kube.list("pods")[0]?.status?.["phase"] === "Running", MINUTE);
    world.prefect.setState(id, { type: "Running" });
    await world.time.pass(SECOND);
    first.process.kill();
    world.kube.holdNode();
    world.kube.remove("jobs", "default", world.jobs(id)[0] ?? "");
    await world.time.pass(10 * MINUTE);
    world.start(AGENT);
    await world.time.until(() => world.state(id) === "Failed", 5 * MINUTE);
    expect(world.messages(id).join("\n")).toContain("was deleted before it finished");
  });
});

describe("a Job that is only kept by a finalizer of its pod", () => {
  it("does not count for --limit", async () => {
    world = new World();
    world.start({ ...AGENT, flags: { limit: "1" } });
    const id = dueRun({ script: { outcome: "never" } });
    await untilRunning(id);
    const [pod] = world.kube.list("pods");
    world.kube.put("pods", { ...pod, metadata: { ...pod?.metadata, finalizers: ["test/held"] } });
    const next = dueRun();
    world.prefect.setState(id, { type: "Cancelled" });
    await world.time.until(() => world.state(next) === "Success", 10 * MINUTE);
    expect(world.jobs(id)).toHaveLength(1);
  });
});

describe("a node that takes no pod", () => {
  it("gets fewer and fewer with --on-disruption retry", async () => {
    world = new World({ prefect: { flavour: "cloud" } });
    world.start({ ...AGENT, backend: "cloud", apiKey: "key", policy: { onDisruption: "retry" } });
    const refused = { phase: "Failed", reason: "TopologyAffinityError", message: "Pod was rejected" };
    dueRun({ script: [{ nodeName: "n", status: refused }] });
    await world.time.pass(HOUR);
    // At once, then after 10, 20, 40, 80, 160, 320 and 360 s, again and again.
    expect(world.createdJobs().length).toBeGreaterThan(8);
    expect(world.createdJobs().length).toBeLessThan(20);
  });
});

describe("the Dask cluster of a run that failed", () => {
  it.each(["a failed request", "a crash"])(
    "is deleted after %s, although failed Jobs are kept",
    async (what) => {
      world = new World();
      const options = { ...AGENT, policy: { deleteFailedAfterMs: undefined } };
      const agent = world.start(options);
      const id = dueRun({ script: { outcome: "oom", runMs: 20 * SECOND } });
      await untilRunning(id);
      putDask(id);
      world.kube.fault({
        match: ({ verb, resource }) => {
          const isDask = verb === "list" && resource === "poddisruptionbudgets";
          if (isDask && what === "a crash") agent.process.kill();
          return isDask;
        },
        effect: { kind: "status", status: 500 },
        times: 1,
      });
      await world.time.until(() => world.state(id) === "Failed", MINUTE);
      if (what === "a crash") {
        await world.time.pass(SECOND);
        world.start(options);
      }
      await world.time.until(() => daskPods() === 0, 2 * MINUTE);
      expect(world.jobs(id)).toHaveLength(1);
    },
  );

  it("is deleted after a failed request, too, when the run fails for the second time", async () => {
    world = new World();
    world.start({ ...AGENT, policy: { deleteFailedAfterMs: undefined } });
    const id = dueRun({ script: { outcome: "oom", runMs: 20 * SECOND } });
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
    await world.time.pass(MINUTE);
    world.prefect.setState(id, { type: "Scheduled" });
    await untilRunning(id);
    putDask(id);
    world.kube.fault({
      match: ({ verb, resource }) => verb === "list" && resource === "poddisruptionbudgets",
      effect: { kind: "status", status: 500 },
      times: 1,
    });
    await world.time.until(() => daskPods() === 0, 3 * MINUTE);
    expect(world.state(id)).toBe("Failed");
  });

  it("does not keep a run Running whose Job vanished, although its pods have the run's label", async () => {
    world = new World();
    const first = world.start(AGENT);
    const id = dueRun({ script: { outcome: "never" } });
    await untilRunning(id);
    first.process.kill();
    putDask(id, { "prefect.io/flow_run_id": id });
    world.kube.remove("jobs", "default", world.jobs(id)[0] ?? "");
    await world.time.pass(2 * MINUTE);
    world.start(AGENT);
    await world.time.until(() => world.state(id) === "Failed", 5 * MINUTE);
    expect(world.messages(id).join("\n")).toContain("was deleted before it finished");
  });
});
