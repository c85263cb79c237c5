import { known } from "../dask/samples.ts";
import { describe, expect, it } from "vitest";
import type { AttributedBy, ObservedCluster } from "../../src/dask/dask-cluster.ts";
import type { InventoryRun } from "../../src/inventory/inventory.ts";
import { diagnose } from "../../src/inventory/diagnosis.ts";
import { decideJob } from "../../src/inventory/run-decision.ts";
import { groupRuns, withRun } from "../../src/inventory/group-runs.ts";
import { decodeObject } from "../../src/kube/client/decode.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { ended, POD, runId } from "./reading-world.ts";

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

function printOf(jobs: readonly Job[], pods: readonly Pod[], type?: string): InventoryRun {
  const [print] = groupRuns({ jobs, pods, events: [] });
  if (print === undefined) throw new Error("no run");
  return withRun(print, {
    name: undefined,
    status: type === undefined ? { kind: "unknown" } : known(type),
  });
}

describe("groupRuns", () => {
  it("puts the Jobs of a run together, oldest first, each with its own pods, and takes no Job twice", () => {
    const [first, second] = [job("b", {}, { creationTimestamp: secondsAgo(90) }), job("a")];
    const print = printOf([second, first, first], [podOf(first, {}), podOf(second, {})]);
    const shape = print.observed.jobs.map((each) => [each.job.metadata.name, each.pods.length]);
    expect(shape).toEqual([
      ["b", 1],
      ["a", 1],
    ]);
  });

  it("keeps runs of the same id in two namespaces apart", () => {
    const jobs = [job("a"), job("a2", {}, { namespace: "other" })];
    expect(groupRuns({ jobs, pods: [], events: [] }).map(({ namespace }) => namespace)).toEqual([
      "flows",
      "other",
    ]);
  });

  it("knows Prefect 3's runs by the hyphens, with the name on the label", () => {
    const labels = { "prefect.io/flow-run-id": runId(2), "prefect.io/flow-run-name": "amber-fox" };
    const [print] = groupRuns({ jobs: [job("c", {}, { labels })], pods: [], events: [] });
    expect(print).toMatchObject({ flowRunId: runId(2), prefectVersion: 2, name: "amber-fox" });
  });
});

describe("decideJob", () => {
  it("does not blame a failed Job on a run whose other Job lives", () => {
    const [dead, alive] = [job("dead", ended("Failed")), job("alive")];
    const run = printOf([dead, alive], [podOf(dead, POD.failed), podOf(alive, POD.running)], "Running");
    const words = run.observed.jobs.map((print) => decideJob(run, print, NOW));
    expect(words.map(({ status: word }) => word)).toEqual(["failed", "active"]);
    expect(words.map(({ transition: settle }) => settle)).toEqual([undefined, undefined]);
  });
});

describe("diagnose", () => {
  it.each([
    { since: 10, says: "look again in 20s" },
    { since: 40, says: "set the run Failed: Kubernetes Error: image" },
  ])("counts the grace of a stuck pod from its creation: $since s", ({ since, says }) => {
    const stuck = job("stuck");
    const run = printOf([stuck], [podOf(stuck, POD.pulling, since)], "Submitted");
    expect(diagnose(run, NOW).agent.join("\n")).toContain(says);
  });

  it("says of a run in good order that there is nothing to do", () => {
    const good = job("good");
    const run = printOf([good], [podOf(good, POD.running)], "Running");
    expect(diagnose(run, NOW)).toMatchObject({
      status: "active",
      stories: [],
      agent: ["nothing: all is in order"],
    });
  });

  it.each([
    { state: "Scheduled", status: "pending", agent: /^start it when it is due/ },
    { state: "Submitted", status: "pending", agent: /^make its Job/ },
    { state: "Running", status: "active", agent: /^nothing: no Job/ },
    { state: "Success", status: "finished", agent: /^nothing: no Job/ },
  ])("says of a $state run without a Job: $status", ({ state, status, agent }) => {
    const observed = { flowRunId: runId(1), jobs: [] };
    const run = { ...printOf([job("a")], []), status: known(state), observed };
    expect(diagnose(run, NOW)).toMatchObject({ status, agent: [expect.stringMatching(agent)] });
  });

  it("leaves Prefect 3's runs to their worker", () => {
    const labels = { "prefect.io/flow-run-id": runId(2) };
    const failed = job("third", ended("Failed"), { labels });
    const run = printOf([failed], [podOf(failed, POD.failed)]);
    expect(diagnose(run, NOW).agent).toEqual(["leave it alone: it is the worker's of Prefect 2 or 3"]);
  });
});

describe("an agent and the Dask clusters of a run", () => {
  const CLUSTER = "dask-03d5b8bb-0";
  const deletes = `delete Dask cluster ${CLUSTER}: nothing else ends it`;

  function cluster(by: AttributedBy, more: Partial<ObservedCluster> = {}): ObservedCluster {
    const metadata = { name: "worker", namespace: "flows", creationTimestamp: secondsAgo(90) };
    const worker = decodeObject<"pods">({ metadata, spec: {}, status: { phase: "Running" } });
    const owner = { flowRunId: runId(1), by };
    const none = { scheduler: undefined, services: [], budgets: [], resource: undefined };
    return { kind: "classic", name: CLUSTER, namespace: "flows", workers: [worker], owner, ...none, ...more };
  }

  function deedsOf(type: string, dask: ObservedCluster): readonly string[] {
    const isCancelled = type.startsWith("Cancel");
    const made = { creationTimestamp: secondsAgo(90) };
    const flow = isCancelled ? job("flow", {}, made) : job("flow", ended("Failed"), made);
    const status = isCancelled ? POD.running : POD.failed;
    return diagnose({ ...printOf([flow], [podOf(flow, status, 90)], type), dask: [dask] }, NOW).agent;
  }

  it("goes with a cancelled run, before its Job", () => {
    expect(deedsOf("Cancelled", cluster("name"))).toEqual([deletes, "delete Job flow"]);
  });

  it("goes after its run was set Failed", () => {
    const failed = expect.stringMatching(/^set the run Failed/);
    expect(deedsOf("Running", cluster("label"))).toEqual([failed, deletes, "delete Job flow"]);
  });

  it("goes by an address only where somebody wants the run to end", () => {
    expect(deedsOf("Cancelling", cluster("address"))).toContain(deletes);
    expect(deedsOf("Failed", cluster("address"))).not.toContain(deletes);
  });

  it.each([
    { what: "is only guessed", dask: cluster("guess") },
    { what: "is dask-gateway's", dask: cluster("owner", { kind: "gateway" }) },
    { what: "has nothing left", dask: cluster("name", { workers: [] }) },
  ])("stays when it $what", ({ dask }) => {
    expect(deedsOf("Cancelled", dask)).toEqual(["delete Job flow"]);
  });
});
