// failure: from a failed pod in the API server to Failed in Prefect.

import { setTimeout } from "node:timers/promises";
import { objectIn, textIn } from "../../src/base/json.ts";
import type { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { FirstEvents, Namespace } from "./cluster.ts";
import type { Figure, Measurement } from "./figure.ts";
import type { PrefectCommands } from "./prefect-process.ts";
import { unschedulable } from "./run-config.ts";
import { withAgent } from "./agent-setup.ts";
import type { AgentSetup } from "./agent-setup.ts";
import { percentile, spread } from "./statistics.ts";
import { timestamp } from "../../test/fakes/kubernetes/kube-object.ts";

const RUNS = 100;
const APART_MS = 149;
const SETTLED_MS = 5_000;
const POLL_MS = 100;
const WAIT_MS = 60_000;
const AT_MOST_MS = 1_000;

/** The benchmark sets the pods' status: no node is needed, and the time is exact. */
export const failure: Figure = {
  name: "failure",
  needs: ["cluster"],
  async measure(context) {
    using cluster = await Cluster.of(context.kubeconfig);
    return [await withAgent(context, cluster, measured)];
  },
};

async function measured({ cluster, namespace, prefect, agent }: AgentSetup): Promise<Measurement> {
  const created = await namespace.firstEvents("pods");
  const ended = await namespace.firstEvents("pods", (line) => line.includes('"phase":"Failed"'));
  const { ids } = await prefect.ask("create", { count: RUNS, runConfig: unschedulable });
  await agent.poke();
  await created.reach(RUNS);
  await prefect.ask("setRunning", ids);
  await setTimeout(SETTLED_MS);
  for (const id of ids) {
    await failPod(cluster, namespace, podName(created, id));
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
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const failedAtMs = await prefect.ask("failedAtMs", undefined);
    if (failedAtMs.size >= RUNS || Date.now() > until) return failedAtMs;
    await setTimeout(POLL_MS);
  }
}

function podName(pods: FirstEvents, flowRunId: string): string {
  const frame = objectIn(JSON.parse(pods.lines.get(flowRunId) ?? "{}"));
  return textIn(objectIn(objectIn(frame["object"])["metadata"])["name"]) ?? "";
}

/** Sets the pod's status as a kubelet does when the flow's container exits with 1. */
async function failPod(cluster: Cluster, namespace: Namespace, pod: string): Promise<void> {
  const at = timestamp(new Date());
  const terminated = { exitCode: 1, reason: "Error", startedAt: at, finishedAt: at };
  const container = { name: "flow", ready: false, restartCount: 0, image: "busybox:latest", imageID: "" };
  await cluster.send({
    method: "PATCH",
    path: `/api/v1/namespaces/${namespace.name}/pods/${pod}/status`,
    contentType: "application/merge-patch+json",
    body: { status: { phase: "Failed", containerStatuses: [{ ...container, state: { terminated } }] } },
  });
}
