// cleanup and cancel on a real cluster: leftovers as Prefect and Dask make them, played by busybox, among objects of others.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { startPrefectStandin } from "../../src/standin/prefect/prefect-standin.ts";
import type { PrefectStandin } from "../../src/standin/prefect/prefect-standin.ts";
import { runPlugin } from "./support/agent-process.ts";
import { mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";

const DONE = "exit 0";
const WORKS = "trap 'exit 0' TERM; while true; do sleep 1; done";
const OLD = "--older-than=0s";

let namespace = "";
let prefect: PrefectStandin;

beforeAll(async () => {
  namespace = await createNamespace("cleanup");
  prefect = await startPrefectStandin();
});

afterAll(async () => {
  await prefect?.stop();
  if (namespace !== "") removeNamespace(namespace);
});

function flowRun(type: string, name: string): string {
  const { id } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "etl" }), name });
  prefect.setState(id, { type });
  return id;
}

function podSpec(script: string): JsonObject {
  const container = {
    name: "main",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", script],
  };
  return { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [container] };
}

function job(name: string, flowRunId: string, script: string): JsonObject {
  const labels = { "prefect.io/flow_run_id": flowRunId };
  const template = { metadata: { labels }, spec: podSpec(script) };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels },
    spec: { backoffLimit: 0, template },
  };
}

function pod(name: string, labels: JsonObject, script: string): JsonObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: podSpec(script) };
}

function daskPod(name: string, cluster: string, script: string): JsonObject {
  const role = name.includes("scheduler") ? "scheduler" : "worker";
  return pod(name, { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role }, script);
}

function daskFront(cluster: string): JsonObject[] {
  const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: cluster, labels },
      spec: { selector: labels, ports: [{ port: 8786 }] },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: cluster },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    },
  ];
}

function apply(items: readonly JsonObject[]): void {
  mustKubectl(
    ["apply", "-n", namespace, "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  );
}

function waitFor(what: string, condition: string): void {
  mustKubectl(["wait", what, `--for=${condition}`, "-n", namespace, "--timeout=120s"]);
}

/** What is there and is not being deleted; the pods of Jobs are their Jobs' business. */
function left(): readonly string[] {
  const template =
    "{range .items[*]}{.kind}/{.metadata.name} {.metadata.deletionTimestamp} {.metadata.ownerReferences[0].kind}{'\\n'}{end}";
  const text = mustKubectl([
    "get",
    "jobs,pods,services,poddisruptionbudgets",
    "-n",
    namespace,
    "-o",
    `jsonpath=${template}`,
  ]);
  return text
    .split("\n")
    .filter((line) => /^\S+ +$/.test(line))
    .map((line) => line.trim())
    .sort();
}

function plugin(...args: readonly string[]) {
  const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
  return runPlugin([...args, "-n", namespace], env);
}

describe("on a real cluster", () => {
  it("cleanup takes exactly what nobody needs, and a second one finds nothing", async () => {
    const cancelled = flowRun("Cancelled", "cancelled");
    const running = flowRun("Running", "running");
    const orphaned = `dask-${cancelled}-0123abcd-4`;
    const working = `dask-${running}-0123abcd-4`;
    apply([
      job("ended", flowRun("Success", "ended"), DONE),
      job("cancelled", cancelled, WORKS),
      job("running", running, WORKS),
      daskPod("done-worker", "dask-root-03d5b8bb-0", DONE),
      ...daskFront("dask-root-03d5b8bb-0"),
      daskPod("orphan-worker", orphaned, WORKS),
      daskPod("orphan-scheduler", orphaned, WORKS),
      ...daskFront(orphaned),
      daskPod("working-worker", working, WORKS),
      ...daskFront(working),
      daskPod("nobodys-worker", "dask-jim-11111111-1", WORKS),
      pod("foreign-done", { app: "dask" }, DONE),
      pod("foreign-labelled", { "dask.org/cluster-name": "theirs" }, DONE),
      pod("foreign-web", { app: "web" }, WORKS),
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "foreign" },
        spec: { selector: { "dask.org/cluster-name": orphaned }, ports: [{ port: 80 }] },
      },
    ]);
    for (const name of ["done-worker", "foreign-done", "foreign-labelled"])
      waitFor(`pod/${name}`, "jsonpath={.status.phase}=Succeeded");
    waitFor("job/ended", "condition=complete");
    for (const name of [
      "orphan-worker",
      "orphan-scheduler",
      "working-worker",
      "nobodys-worker",
      "foreign-web",
    ])
      waitFor(`pod/${name}`, "condition=Ready");

    const first = await plugin("cleanup", "--yes", OLD);
    expect(first.stderr).toBe("removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n");
    expect(first.code).toBe(0);
    for (const gone of ["job/cancelled", "pod/orphan-worker", "pod/orphan-scheduler"])
      waitFor(gone, "delete");
    expect(left()).toEqual(
      [
        "Job/running",
        "Pod/foreign-done",
        "Pod/foreign-labelled",
        "Pod/foreign-web",
        "Pod/nobodys-worker",
        "Pod/working-worker",
        `PodDisruptionBudget/${working}`,
        `Service/${working}`,
        "Service/foreign",
      ].sort(),
    );
    const second = await plugin("cleanup", "--yes", OLD);
    expect([second.code, second.stdout]).toEqual([0, ""]);
    expect(second.stderr).toContain("nothing to clean up");
  });

  it("cancel removes all of a run, and settles its state", async () => {
    const id = flowRun("Running", "quick-fox");
    const cluster = `dask-${id}-0123abcd-4`;
    apply([
      job("fox", id, WORKS),
      daskPod("fox-worker", cluster, WORKS),
      daskPod("fox-scheduler", cluster, WORKS),
      ...daskFront(cluster),
    ]);
    waitFor("job/fox", "jsonpath={.status.ready}=1");
    const { stderr, code } = await plugin("cancel", "quick-fox", "--grace=2s");
    expect(stderr).toContain("removed 1 Job, 2 pods, 1 Service, 1 PodDisruptionBudget\n");
    expect([code, prefect.flowRun(id)?.state]).toEqual([0, "Cancelled"]);
    expect(left().filter((name) => name.includes("fox") || name.includes(id))).toEqual([]);
  });
});
