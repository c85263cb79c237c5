import { known } from "../dask/samples.ts";
import { describe, expect, it } from "vitest";
import type { AttributedBy, ObservedCluster } from "../../src/dask/dask-cluster.ts";
import type { InventoryRun } from "../../src/inventory/inventory.ts";
import { diagnose } from "../../src/inventory/diagnosis.ts";
import { decideJobs } from "../../src/inventory/run-decision.ts";
import { groupRuns } from "../../src/inventory/group-runs.ts";
import { decodeObject } from "../../src/kube/client/decode.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { ended, POD, runId } from "./test-cluster.ts";

const NOW = new Date("2026-11-21T12:00:00Z");
const secondsAgo = (seconds: number): string => new Date(NOW.getTime() - seconds * 1_000).toISOString();

function job(name: string, status: JsonObject = {}, more: JsonObject = {}): Job {
  const labels = { "prefect.io/flow_run_id": runId(1) };
  const metadata = {
    name,
    uid: name,
    namespace: "flows",
    labels,
    creationTimestamp: secondsAgo(20),
    ...more,
  };
  return decodeObject<"jobs">({ metadata, spec: { backoffLimit: 0 }, status });
}

function podOf(owner: Job, status: JsonObject, seconds = 20): Pod {
  const { name, labels } = owner.metadata;
  const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name, uid: owner.metadata.uid }];
  const metadata = { name: `${name}-pod`, uid: `${name}-pod`, labels, ownerReferences };
  const spec = { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }] };
  return decodeObject<"pods">({
    metadata: { ...metadata, creationTimestamp: secondsAgo(seconds) },
    spec,
    status,
  });
}

function runOf(jobs: readonly Job[], pods: readonly Pod[], type?: string): InventoryRun {
  const [run] = groupRuns({ jobs, pods, events: [] });
  if (run === undefined) throw new Error("no run");
  return { ...run, status: type === undefined ? { kind: "unknown" } : known(type) };
}

describe("groupRuns", () => {
  it("groups the Jobs of a run, oldest first, each once and with its own pods", () => {
    const [first, second] = [job("b", {}, { creationTimestamp: secondsAgo(90) }), job("a")];
    const run = runOf([second, first, first], [podOf(first, {}), podOf(second, {})]);
    const podCounts = run.observed.jobs.map((each) => [each.job.metadata.name, each.pods.length]);
    expect(podCounts).toEqual([
      ["b", 1],
      ["a", 1],
    ]);
  });

  it("does not merge runs with the same id in two namespaces", () => {
    const jobs = [job("a"), job("a2", {}, { namespace: "other" })];
    expect(groupRuns({ jobs, pods: [], events: [] }).map(({ namespace }) => namespace)).toEqual([
      "flows",
      "other",
    ]);
  });

  it("recognises a run of Prefect 3 by its label, and reads its name from one", () => {
    const labels = { "prefect.io/flow-run-id": runId(2), "prefect.io/flow-run-name": "amber-fox" };
    const [run] = groupRuns({ jobs: [job("c", {}, { labels })], pods: [], events: [] });
    expect(run).toMatchObject({ flowRunId: runId(2), prefectVersion: 2, name: "amber-fox" });
  });
});

describe("decideJobs", () => {
  it("does not fail a run for a failed Job while another Job is active", () => {
    const [dead, alive] = [job("dead", ended("Failed")), job("alive")];
    const run = runOf([dead, alive], [podOf(dead, POD.failed), podOf(alive, POD.running)], "Running");
    const decisions = decideJobs(run, NOW).map(({ decision }) => decision);
    expect(decisions.map(({ status }) => status)).toEqual(["failed", "active"]);
    expect(decisions.map(({ transition }) => transition)).toEqual([undefined, undefined]);
  });
});

describe("diagnose", () => {
  it.each([
    { since: 10, action: "check again in 20s" },
    { since: 40, action: "set the flow run Failed: Kubernetes Error: image" },
  ])("counts the grace period of a stuck pod from its creation: $since s", ({ since, action }) => {
    const stuck = job("stuck");
    const run = runOf([stuck], [podOf(stuck, POD.pulling, since)], "Submitted");
    expect(diagnose(run, NOW).agent.join("\n")).toContain(action);
  });

  it("has no action for a run without problems", () => {
    const good = job("good");
    const run = runOf([good], [podOf(good, POD.running)], "Running");
    expect(diagnose(run, NOW)).toMatchObject({
      status: "active",
      postMortems: [],
      agent: ["nothing: the flow run has no problem"],
    });
  });

  it.each([
    { state: "Scheduled", status: "pending", agent: /^start it, once it is due/ },
    { state: "Submitted", status: "pending", agent: /^create its Job/ },
    { state: "Running", status: "active", agent: /^nothing: the flow run has no Job/ },
    { state: "Success", status: "finished", agent: /^nothing: the flow run has no Job/ },
  ])("gives a $state run without a Job the status $status", ({ state, status, agent }) => {
    const observed = { flowRunId: runId(1), jobs: [] };
    const run = { ...runOf([job("a")], []), status: known(state), observed };
    expect(diagnose(run, NOW)).toMatchObject({ status, agent: [expect.stringMatching(agent)] });
  });

  it.each([
    { type: "completed", name: "Completed", status: "finished", reason: "its Job completed" },
    { type: "failed", name: "Failed", status: "failed", reason: "Failed: it broke" },
    { type: "crashed", name: "Crashed", status: "failed", reason: "Crashed: it broke" },
    {
      type: "paused",
      name: "Suspended",
      status: "pending",
      reason: "its Job completed, and its flow run is Suspended",
    },
    {
      type: "scheduled",
      name: "AwaitingRetry",
      status: "pending",
      reason: "its Job completed, and its flow run is AwaitingRetry",
    },
    {
      type: "running",
      name: "Running",
      status: "finished",
      reason: "its Job completed, and its flow run is Running",
    },
  ] as const)("says of a completed Job whose run is $name: $status", ({ type, name, status, reason }) => {
    const done = job("done", ended("Complete"));
    const state = { type, name, message: "it broke", since: new Date(NOW.getTime() - 180_000) };
    const run = { ...runOf([done], [podOf(done, POD.done)]), status: { kind: "known", state } as const };
    expect(diagnose(run, NOW)).toMatchObject({ status, reason });
  });

  it.each([
    { agoS: 10, status: "failed" },
    { agoS: 180, status: "orphaned" },
  ])("says of a run that failed $agoS s ago, and whose pod still runs: $status", ({ agoS, status }) => {
    const alive = job("alive");
    const state = { type: "failed", name: "Failed", since: new Date(NOW.getTime() - agoS * 1_000) } as const;
    const run = { ...runOf([alive], [podOf(alive, POD.running)]), status: { kind: "known", state } as const };
    expect(diagnose(run, NOW).status).toBe(status);
  });

  it("shows the state of a failed run whose Job was deleted, with its message", () => {
    const observed = { flowRunId: runId(1), jobs: [] };
    const state = {
      type: "failed",
      name: "Failed",
      message: "it broke",
      since: new Date(NOW.getTime() - 180_000),
    } as const;
    const run: InventoryRun = { ...runOf([job("a")], []), status: { kind: "known", state }, observed };
    expect(diagnose(run, NOW)).toMatchObject({
      status: "failed",
      reason: "Failed 3m ago: it broke (it has no Job here)",
    });
  });

  it("leaves runs of Prefect 3 to their worker", () => {
    const labels = { "prefect.io/flow-run-id": runId(2) };
    const failed = job("third", ended("Failed"), { labels });
    const run = runOf([failed], [podOf(failed, POD.failed)]);
    expect(diagnose(run, NOW).agent).toEqual(["nothing: a worker of Prefect 2 or 3 manages this flow run"]);
  });
});

describe("the Dask clusters that an agent would delete", () => {
  const CLUSTER = "dask-03d5b8bb-0";
  const deletes = `delete Dask cluster ${CLUSTER}: nothing else deletes it`;

  function cluster(by: AttributedBy, more: Partial<ObservedCluster> = {}): ObservedCluster {
    const metadata = { name: "worker", namespace: "flows", creationTimestamp: secondsAgo(90) };
    const worker = decodeObject<"pods">({ metadata, spec: {}, status: { phase: "Running" } });
    const owner = { flowRunId: runId(1), by };
    const none = { scheduler: undefined, services: [], budgets: [], resource: undefined };
    return { kind: "classic", name: CLUSTER, namespace: "flows", workers: [worker], owner, ...none, ...more };
  }

  function actionsOf(type: string, dask: ObservedCluster): readonly string[] {
    const isCancelled = type.startsWith("Cancel");
    const made = { creationTimestamp: secondsAgo(90) };
    const flow = isCancelled ? job("flow", {}, made) : job("flow", ended("Failed"), made);
    const status = isCancelled ? POD.running : POD.failed;
    return diagnose({ ...runOf([flow], [podOf(flow, status, 90)], type), dask: [dask] }, NOW).agent;
  }

  it("are those of a cancelled run, before its Job", () => {
    expect(actionsOf("Cancelled", cluster("name"))).toEqual([deletes, "delete Job flow"]);
  });

  it("are those of a run that fails, after it is set Failed", () => {
    const failed = expect.stringMatching(/^set the flow run Failed/);
    expect(actionsOf("Running", cluster("label"))).toEqual([failed, deletes, "delete Job flow"]);
  });

  it("are found by a scheduler address only if the run is being cancelled", () => {
    expect(actionsOf("Cancelling", cluster("address"))).toContain(deletes);
    expect(actionsOf("Failed", cluster("address"))).not.toContain(deletes);
  });

  it.each([
    { what: "is attributed by a guess", dask: cluster("guess") },
    { what: "is dask-gateway's", dask: cluster("owner", { kind: "gateway" }) },
    { what: "has nothing left", dask: cluster("name", { workers: [] }) },
  ])("exclude one that $what", ({ dask }) => {
    expect(actionsOf("Cancelled", dask)).toEqual(["delete Job flow"]);
  });
});
