// --pending-timeout: for every Job whose flow has not started, and for no other. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const AGENT = { name: "a", labels: ["x"], policy: { pendingTimeoutMs: 15 * MINUTE } };
let world: World;

afterEach(() => world.close());

function templateOf(spec: JsonObject): JsonObject {
  const pod = { restartPolicy: "Never", containers: [{ name: "flow" }] };
  const job = { apiVersion: "batch/v1", kind: "Job", spec: { ...spec, template: { spec: pod } } };
  return { type: "KubernetesRun", job_template: job };
}

describe("--pending-timeout", () => {
  it("holds for the Job of a task's retry, too", async () => {
    world = new World();
    world.start(AGENT);
    const id = world.dueRun({ labels: ["x"], script: { outcome: "succeed", runMs: 5 * SECOND } });
    world.idleRuns.add(id);
    await world.time.until(() => world.kube.list("pods")[0]?.status?.["phase"] === "Running", MINUTE);
    world.prefect.setState(id, { type: "Running" });
    const [task] = world.prefect.taskRuns(id);
    const start = new Date(world.time.nowMs + 20 * MINUTE).toISOString();
    world.prefect.setTaskState(task?.id ?? "", { type: "Retrying", start_time: start, run_count: 1 });
    await world.time.until(() => world.jobs(id).length === 0, MINUTE);
    world.scripts.set(id, "pending");
    await world.time.until(() => world.state(id) === "Failed", HOUR);
    expect(world.messages(id).join("\n")).toMatch(/^Job \S+: .*0\/1 nodes/m);
  });

  it("holds after a node has refused the first pod", async () => {
    world = new World();
    world.start(AGENT);
    const refused = { phase: "Failed", reason: "UnexpectedAdmissionError", message: "no gpu" };
    const script = [{ nodeName: "n", status: refused }];
    const id = world.dueRun({ labels: ["x"], script, runConfig: templateOf({ backoffLimit: 3 }) });
    await world.time.until(() => world.kube.list("pods").length === 1, MINUTE);
    world.scripts.set(id, "pending");
    await world.time.until(() => world.state(id) === "Failed", HOUR);
    expect(world.messages(id).join("\n")).toMatch(/^Job \S+: .*0\/1 nodes/m);
  });

  it("does not hold for a flow that has started, although its pod is gone and the agent was restarted", async () => {
    world = new World();
    const first = world.start(AGENT);
    const rules = [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }];
    const runConfig = templateOf({ backoffLimit: 0, podFailurePolicy: { rules } });
    const script = { outcome: "evict", runMs: 20 * MINUTE } as const;
    const id = world.dueRun({ labels: ["x"], script, runConfig });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    const [pod] = world.kube.list("pods");
    world.scripts.set(id, "pending");
    await world.time.until(() => world.kube.list("pods").length === 2, HOUR);
    world.kube.remove("pods", "default", pod?.metadata.name ?? "");
    first.stop();
    await world.time.pass(20 * SECOND);
    world.start(AGENT);
    await world.time.pass(5 * MINUTE);
    expect(world.state(id)).toBe("Running");
  });
});
