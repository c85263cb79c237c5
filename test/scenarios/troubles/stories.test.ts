// What people do to Jobs, what flows write to their logs, and a cluster in which nothing happens. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { World } from "../../simulation/world.ts";
import { bound, ended, running, step } from "./steps.ts";

const SECOND = 1_000;
let world: World;

afterEach(() => world.close());

function suspend(isSuspended: boolean): void {
  const [job] = world.kube.list("jobs");
  if (job === undefined) throw new Error("the Job is gone");
  world.kube.put("jobs", { ...job, spec: { ...job.spec, suspend: isSuspended } });
}

describe("a Job that somebody", () => {
  it("suspends waits for its resume, and the run's log says so", async () => {
    world = new World();
    world.start();
    const id = world.dueRun({ script: { outcome: "never" } });
    await world.time.until(() => world.state(id) === "Running", 60_000);
    suspend(true);
    await world.time.pass(600 * SECOND);
    expect(world.state(id)).toBe("Running");
    expect(world.kube.list("pods")).toEqual([]);
    suspend(false);
    await world.time.pass(60 * SECOND);
    expect(world.state(id)).toBe("Running");
    expect(world.kube.list("pods")).toHaveLength(1);
    expect(world.messages(id).filter((line) => line.includes("is suspended"))).toHaveLength(1);
  });

  it.each([137, 143, 0])(
    "suspends and resumes goes on, although its pod ends with %d when it is told to",
    async (exitCode) => {
      world = new World({ kube: { killMs: 5_000, killedExit: () => exitCode } });
      world.start();
      const id = world.dueRun({ script: { outcome: "never" } });
      await world.time.until(() => world.state(id) === "Running", 60_000);
      suspend(true);
      await world.time.pass(120 * SECOND);
      suspend(false);
      await world.time.pass(120 * SECOND);
      expect(world.state(id)).toBe("Running");
      expect(world.kube.list("pods").map(({ status }) => status?.["phase"])).toEqual(["Running"]);
      expect(world.messages(id).join("\n")).not.toContain("completed with exit code 0");
    },
  );

  it.each([
    { end: ended(0), state: "Success", error: [] },
    { end: ended(5), state: "Failed", error: [/exited with code 5/] },
  ])(
    "deletes without its pods goes on, and the run ends as the flow does: $state",
    async ({ end, state, error }) => {
      world = new World();
      world.start();
      const phase = state === "Success" ? "Succeeded" : "Failed";
      const steps = [bound(), step(1, "Running", [running()]), step(300, phase, [end])];
      const id = world.dueRun({ script: steps });
      await world.time.until(() => world.state(id) === "Running", 60_000);
      world.kube.remove("jobs", "default", world.jobs(id)[0] ?? "", "Orphan");
      await world.time.pass(200 * SECOND);
      expect(world.state(id)).toBe("Running");
      await world.time.pass(150 * SECOND);
      expect(world.state(id)).toBe(state);
      const lines = world.logs(id).filter(({ name }) => name === "k8s-infra");
      const errors = lines.filter(({ level }) => level === "ERROR").map(({ message }) => message);
      expect(errors).toEqual(error.map((words) => expect.stringMatching(words) as unknown));
      expect(lines.filter(({ message }) => message.includes("works on"))).toHaveLength(1);
    },
  );

  it("deletes without its pods is known to an agent that starts later", async () => {
    world = new World();
    const first = world.start();
    const id = world.dueRun({
      script: [bound(), step(1, "Running", [running()]), step(300, "Failed", [ended(5)])],
    });
    await world.time.until(() => world.state(id) === "Running", 60_000);
    first.process.kill();
    world.kube.remove("jobs", "default", world.jobs(id)[0] ?? "", "Orphan");
    world.start();
    await world.time.pass(200 * SECOND);
    expect(world.state(id)).toBe("Running");
    await world.time.pass(150 * SECOND);
    expect(world.state(id)).toBe("Failed");
    expect(world.messages(id).join("\n")).toMatch(/exited with code 5/);
  });
});

describe("a node that dies", () => {
  it("has its run restarted, although the pod on it never ends and its Job is Failed", async () => {
    world = new World();
    world.start({ policy: { onDisruption: "retry" } });
    const id = world.dueRun({ script: { outcome: "never" } });
    await world.time.until(() => world.state(id) === "Running", 60_000);
    const [pod] = world.kube.list("pods");
    const [job] = world.kube.list("jobs");
    if (pod === undefined || job === undefined) throw new Error("the run has no pod");
    const at = new Date(world.time.nowMs + 30 * SECOND).toISOString();
    const disrupted = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager" };
    // The fake's kubelet does not end a pod without a grace period, and its API server not one with a finalizer.
    const held = { deletionTimestamp: at, deletionGracePeriodSeconds: 0, finalizers: ["test/dead"] };
    const metadata = { ...pod.metadata, ...held };
    world.kube.put("pods", { ...pod, metadata, status: { ...pod.status, conditions: [disrupted] } });
    const failed = { type: "Failed", status: "True", reason: "BackoffLimitExceeded" };
    world.kube.put("jobs", { ...job, status: { ...job.status, conditions: [failed] } });
    world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
    await world.time.pass(50 * SECOND);
    expect(world.state(id)).toBe("Running");
    await world.time.until(() => world.state(id) === "Success", 120 * SECOND);
    expect(world.messages(id).filter((line) => line.includes("was lost with its node"))).toHaveLength(1);
  });
});

describe("a node that does not answer", () => {
  /** Kubernetes writes Unknown, and of all pods on the node that they are not ready. */
  function setNode(status: "True" | "Unknown"): void {
    const [node] = world.kube.list("nodes");
    const [pod] = world.kube.list("pods");
    if (node === undefined || pod === undefined) throw new Error("the run has no pod");
    const lastTransitionTime = new Date(world.time.nowMs).toISOString();
    const conditions = [{ type: "Ready", status, lastTransitionTime }];
    world.kube.put("nodes", { ...node, status: { ...node.status, conditions } });
    const ready = { type: "Ready", status: status === "True" ? "True" : "False" };
    world.kube.put("pods", { ...pod, status: { ...pod.status, conditions: [ready] } });
  }

  async function startRun(job: JsonObject = {}): Promise<string> {
    const jobTemplate = {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { ...job, template: { spec: { containers: [{ name: "flow" }] } } },
    };
    const runConfig = { type: "KubernetesRun", image: "flow:1", job_template: jobTemplate };
    const id = world.dueRun({ script: { outcome: "never" }, runConfig });
    await world.time.until(() => world.state(id) === "Running", 60 * SECOND);
    await world.time.pass(120 * SECOND);
    return id;
  }

  it("has its run failed after five minutes", async () => {
    world = new World();
    world.start();
    const id = await startRun();
    setNode("Unknown");
    await world.time.pass(299 * SECOND);
    expect(world.state(id)).toBe("Running");
    await world.time.until(() => world.state(id) === "Failed", 5 * SECOND);
    expect(world.messages(id).join("\n")).toMatch(
      /on node fake-node is lost: its node has been unreachable since/,
    );
  });

  it("has its run restarted with --on-disruption retry", async () => {
    world = new World();
    world.start({ policy: { onDisruption: "retry" } });
    const id = await startRun();
    setNode("Unknown");
    world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
    await world.time.until(() => world.state(id) !== "Running", 330 * SECOND);
    setNode("True");
    await world.time.until(() => world.state(id) === "Success", 30 * SECOND);
    expect(world.messages(id).join("\n")).toMatch(/Rescheduled because|has been unreachable since/);
  });

  it("answers again: its run goes on", async () => {
    world = new World();
    world.start();
    const id = await startRun();
    setNode("Unknown");
    await world.time.pass(290 * SECOND);
    setNode("True");
    await world.time.pass(600 * SECOND);
    expect(world.state(id)).toBe("Running");
  });

  it("is left to Kubernetes where the template wants another pod", async () => {
    world = new World();
    world.start();
    const id = await startRun({ backoffLimit: 2 });
    setNode("Unknown");
    await world.time.pass(600 * SECOND);
    expect(world.state(id)).toBe("Running");
  });

  it("is not known to an agent that may not read nodes, which asks now and then", async () => {
    world = new World();
    world.start();
    let asked = 0;
    const match = ({ resource }: { readonly resource: string }): boolean => {
      const isNode = resource === "nodes";
      if (isNode) asked++;
      return isNode;
    };
    world.kube.fault({
      match,
      effect: { kind: "status", status: 403 },
      times: Number.POSITIVE_INFINITY,
    });
    const id = await startRun();
    setNode("Unknown");
    await world.time.pass(3_600 * SECOND);
    expect(world.state(id)).toBe("Running");
    expect(asked).toBe(6);
  });
});

describe("a node that dies with many runs", () => {
  it("holds up no other run's end: nobody waits for the logs of a kubelet that is gone", async () => {
    world = new World();
    world.start();
    const lost = Array.from({ length: 48 }, () => world.dueRun({ script: { outcome: "never" } }));
    const other = world.dueRun({ script: { outcome: "fail", runMs: 1_000 * SECOND, exitCode: 3 } });
    await world.time.until(() => [...lost, other].every((id) => world.state(id) === "Running"), 120 * SECOND);
    await world.time.pass(120 * SECOND);
    const [node] = world.kube.list("nodes");
    if (node === undefined) throw new Error("there is no node");
    const lastTransitionTime = new Date(world.time.nowMs).toISOString();
    const conditions = [{ type: "Ready", status: "Unknown", lastTransitionTime }];
    const dead = new Set<string>();
    world.kube.put("nodes", {
      ...node,
      metadata: { name: "dead-node" },
      status: { ...node.status, conditions },
    });
    for (const pod of world.kube.list("pods")) {
      if (pod.metadata.labels?.["prefect.io/flow_run_id"] === other) continue;
      dead.add(pod.metadata.name);
      const unready = { ...pod.status, conditions: [{ type: "Ready", status: "False" }] };
      world.kube.put("pods", { ...pod, spec: { ...pod.spec, nodeName: "dead-node" }, status: unready });
    }
    world.kube.fault({
      match: ({ resource, name }) => resource === "pods/log" && dead.has(name),
      effect: { kind: "hang", when: "before" },
      times: Number.POSITIVE_INFINITY,
    });
    await world.time.pass(310 * SECOND);
    expect(lost.filter((id) => world.state(id) !== "Failed")).toEqual([]);
  });
});

describe("the log of a pod that does not come", () => {
  it("is waited for 10 s, then the run is Failed without it", async () => {
    world = new World();
    world.start();
    world.kube.fault({
      match: ({ resource }) => resource === "pods/log",
      effect: { kind: "hang", when: "before" },
      times: Number.POSITIVE_INFINITY,
    });
    const id = world.dueRun({ script: { outcome: "fail", runMs: SECOND, log: "bad" } });
    await world.time.until(() => world.state(id) === "Running", 60 * SECOND);
    await world.time.pass(15 * SECOND);
    expect(world.state(id)).toBe("Failed");
  });
});

describe("a pod that could not be created at first", () => {
  it("fails no run whose later pods Kubernetes is about to replace", async () => {
    world = new World();
    world.start();
    const { put } = accountsOf("flows");
    const jobTemplate = {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: {
        backoffLimit: 5,
        template: { spec: { serviceAccountName: "flows", containers: [{ name: "flow" }] } },
      },
    };
    const runConfig = { type: "KubernetesRun", image: "flow:1", job_template: jobTemplate };
    const id = world.dueRun({ script: { outcome: "fail", runMs: SECOND }, runConfig });
    await world.time.until(() => world.jobs(id).length === 1, 60 * SECOND);
    await world.time.pass(10 * SECOND);
    put();
    await world.time.until(() => world.kube.list("pods").length === 3, 600 * SECOND);
    world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
    await world.time.until(
      () => world.state(id) !== "Running" && world.state(id) !== "Submitted",
      600 * SECOND,
    );
    expect(world.state(id)).toBe("Success");
  });

  function accountsOf(name: string): { put: () => void } {
    return {
      put: () => void world.kube.put("serviceaccounts", { metadata: { name, namespace: "default" } }),
    };
  }
});

describe("a pod on a dead node whose Job ignores disruptions", () => {
  it("is left to Kubernetes, which replaces it when the node is gone", async () => {
    world = new World();
    world.start();
    const spec = {
      backoffLimit: 0,
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
      },
      template: { spec: { restartPolicy: "Never", containers: [{ name: "flow" }] } },
    };
    const jobTemplate = { apiVersion: "batch/v1", kind: "Job", spec };
    const runConfig = { type: "KubernetesRun", image: "flow:1", job_template: jobTemplate };
    const id = world.dueRun({ script: { outcome: "never" }, runConfig });
    await world.time.until(() => world.state(id) === "Running", 60 * SECOND);
    const [pod] = world.kube.list("pods");
    if (pod === undefined) throw new Error("the run has no pod");
    const at = new Date(world.time.nowMs + 30 * SECOND).toISOString();
    const held = { deletionTimestamp: at, deletionGracePeriodSeconds: 0, finalizers: ["test/dead"] };
    world.kube.put("pods", { ...pod, metadata: { ...pod.metadata, ...held } });
    await world.time.pass(600 * SECOND);
    expect(world.state(id)).toBe("Running");
  });
});

describe("a flow run's log", () => {
  it("has the very last lines, and no character that Prefect refuses", async () => {
    world = new World();
    world.start();
    const log = `${"x".repeat(2_000)}\n`.repeat(19) + `REAL ERROR 42 \u0000${"y".repeat(1_900)} the end\n`;
    const id = world.dueRun({
      script: [bound(), { ...step(1, "Running", [running()]), log }, step(1, "Failed", [ended(1)])],
    });
    await world.time.until(() => world.state(id) === "Failed", 60_000);
    const text = world.messages(id).join("\n");
    expect(text).toContain("REAL ERROR 42 \uFFFD");
    expect(text).toMatch(/ the end$/);
  });

  it("does not show the kubelet's own error as the flow's log", async () => {
    world = new World();
    world.start();
    const log = "unable to retrieve container logs for containerd://4711";
    const id = world.dueRun({
      script: [bound(), { ...step(1, "Running", [running()]), log }, step(1, "Failed", [ended(1)])],
    });
    await world.time.until(() => world.state(id) === "Failed", 60_000);
    expect(world.messages(id).join("\n")).not.toContain("Last lines");
  });

  it("does without the lines that Prefect refuses, and the run fails all the same", async () => {
    world = new World();
    const agent = world.start();
    world.prefect.fault({
      effect: { kind: "errors", message: "invalid input syntax" },
      match: (call) => JSON.stringify(call.variables).includes("Last lines"),
      times: Number.POSITIVE_INFINITY,
    });
    const id = world.dueRun({ script: { outcome: "fail", runMs: 1_000, log: "bad" } });
    await world.time.until(() => world.state(id) === "Failed", 60_000);
    expect(world.messages(id).join("\n")).toMatch(/exited with code 1/);
    expect(agent.lines.join("\n")).toContain("Prefect refuses lines");
  });
});

describe("a quiet cluster", () => {
  it("is no outage, although its watches bring no byte for hours", async () => {
    world = new World({ kube: { bookmarkMs: 86_400_000 } });
    const agent = world.start();
    await world.time.pass(2 * 3_600 * SECOND);
    expect(agent.lines.filter((line) => /WARNING|ERROR/.test(line))).toEqual([]);
    const id = world.dueRun();
    await world.time.until(() => world.state(id) === "Success", 60_000);
  });
});
