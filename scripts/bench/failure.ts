// failure: from the moment at which the API shows a pod's end to the Failed state in Prefect.

import { setTimeout } from "node:timers/promises";
import { objectIn, textIn } from "../../src/base/json.ts";
import type { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { Arrivals, Namespace } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import type { PrefectCommands } from "./prefect-process.ts";
import { unschedulable } from "./run-config.ts";
import { onScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { percentile, spread } from "./statistics.ts";

const RUNS = 100;
const APART_MS = 149;
const SETTLED_MS = 5_000;
const LOOK_MS = 100;
const PATIENCE_MS = 60_000;
const AT_MOST_MS = 1_000;

/** Pods end because their status is written: no node is needed, and the moment is exact. */
export const failure: Figure = {
  name: "failure",
  needs: ["cluster"],
  async measure(world) {
    using cluster = await Cluster.of(world.kubeconfig);
    return [await onScene(world, cluster, measured)];
  },
};

async function measured({ cluster, namespace, prefect, agent }: Scene): Promise<Measurement> {
  const made = await namespace.arrivals("pods");
  const ended = await namespace.arrivals("pods", (line) => line.includes('"phase":"Failed"'));
  const { ids } = await prefect.ask("create", { count: RUNS, runConfig: unschedulable });
  await agent.poke();
  await made.reach(RUNS);
  await prefect.ask("setRunning", ids);
  await setTimeout(SETTLED_MS);
  for (const id of ids) {
    await endPod(cluster, namespace, nameIn(made, id));
    await setTimeout(APART_MS);
  }
  await ended.reach(RUNS);
  const failedAtMs = await allFailed(prefect);
  const delays = ids.map((id) => (failedAtMs.get(id) ?? Number.NaN) - (ended.atMs.get(id) ?? Number.NaN));
  return {
    name: "failure → Prefect, p95",
    unit: "ms",
    ours: percentile(delays, 0.95),
    bound: { of: "ours", side: "at most", value: AT_MOST_MS },
    details: { ...spread(delays), delays },
  };
}

async function allFailed(prefect: Child<PrefectCommands>): Promise<ReadonlyMap<string, number>> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const failedAtMs = await prefect.ask("failedAtMs", undefined);
    if (failedAtMs.size >= RUNS || Date.now() > until) return failedAtMs;
    await setTimeout(LOOK_MS);
  }
}

function nameIn(pods: Arrivals, flowRunId: string): string {
  const frame = objectIn(JSON.parse(pods.lines.get(flowRunId) ?? "{}"));
  return textIn(objectIn(objectIn(frame["object"])["metadata"])["name"]) ?? "";
}

/** What a kubelet writes when the flow's container ended with 1. */
async function endPod(cluster: Cluster, namespace: Namespace, pod: string): Promise<void> {
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  const terminated = { exitCode: 1, reason: "Error", startedAt: at, finishedAt: at };
  const container = { name: "flow", ready: false, restartCount: 0, image: "busybox:latest", imageID: "" };
  await cluster.send({
    method: "PATCH",
    path: `/api/v1/namespaces/${namespace.name}/pods/${pod}/status`,
    contentType: "application/merge-patch+json",
    body: { status: { phase: "Failed", containerStatuses: [{ ...container, state: { terminated } }] } },
  });
}
