// Objects as dask-kubernetes and users create them, for tests.

import { runStateOf } from "../../src/prefect1/run-state.ts";
import type { RunStatus } from "../../src/orchestrator/flow-run.ts";
import type { ObservedJob } from "../../src/job/observe/observed.ts";
import type { AnyObject, Job, Meta, Pod } from "../../src/kube/client/objects.ts";
import type { InventoryRun } from "../../src/inventory/inventory.ts";

export const NOW = new Date("2026-11-21T12:00:00Z");
export const RUN_A = "0a0a0a0a-1111-4111-8111-aaaaaaaaaaaa";
export const RUN_B = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";

let serial = 0;

/** The time this many minutes before NOW, as text. */
export function ago(minutes: number): string {
  return new Date(NOW.getTime() - minutes * 60_000).toISOString();
}

export function meta(name: string, more: Partial<Meta> = {}): Meta {
  return {
    name,
    namespace: "flows",
    uid: `uid-${name}-${++serial}`,
    resourceVersion: "1",
    creationTimestamp: ago(60),
    ...more,
  };
}

interface PodSpec extends Partial<Meta> {
  readonly phase?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly podIP?: string;
  readonly image?: string;
  readonly endedMinutesAgo?: number;
}

export function pod(name: string, given: PodSpec = {}): Pod {
  const { phase = "Running", env = {}, podIP, image = "dask:1", endedMinutesAgo = 30, ...more } = given;
  const terminated = { exitCode: 0, finishedAt: ago(endedMinutesAgo) };
  const over = phase === "Succeeded" || phase === "Failed";
  return {
    metadata: meta(name, more),
    spec: {
      containers: [
        { name: "main", image, env: Object.entries(env).map(([key, value]) => ({ name: key, value })) },
      ],
    },
    status: {
      phase,
      ...(podIP === undefined ? {} : { podIP }),
      ...(over ? { containerStatuses: [{ name: "main", state: { terminated } }] } : {}),
    },
  };
}

/** A worker (or scheduler) of KubeCluster as versions 0.10 and later create it. */
export function classic(cluster: string, given: PodSpec & { readonly role?: string } = {}): Pod {
  const { role = "worker", labels, ...more } = given;
  const own = { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
  return pod(`${cluster}${String(++serial).padStart(5, "0")}`, { ...more, labels: { ...own, ...labels } });
}

export function service(cluster: string, more: Partial<Meta> = {}): AnyObject {
  const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
  return { metadata: meta(cluster, { labels, ...more }), spec: { selector: labels } };
}

/** As up to 2021.10: without labels. */
export function budget(cluster: string, more: Partial<Meta> = {}): AnyObject {
  const matchLabels = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
  return { metadata: meta(cluster, more), spec: { selector: { matchLabels } } };
}

export function daskCluster(name: string, more: Partial<Meta> = {}): AnyObject {
  return { metadata: meta(name, more), spec: {} };
}

export function nameFor(flowRunId: string, uuid = "03d5b8bb-0"): string {
  return `dask-${flowRunId}-${uuid}`;
}

interface JobSpec extends Partial<Meta> {
  readonly ended?: "Complete" | "Failed";
  readonly endedMinutesAgo?: number;
  readonly ready?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export function job(name: string, flowRunId: string, given: JobSpec = {}): Job {
  const { ended, endedMinutesAgo = 30, ready = 0, env = {}, ...more } = given;
  const condition = { type: ended ?? "", status: "True", lastTransitionTime: ago(endedMinutesAgo) };
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return {
    metadata: meta(name, { labels: { "prefect.io/flow_run_id": flowRunId }, ...more }),
    spec: { backoffLimit: 0, template: { spec: { containers: [{ name: "flow", env: variables }] } } },
    status: { ready, ...(ended === undefined ? { active: 1 } : { conditions: [condition] }) },
  };
}

export function observedJob(of: Job, pods: readonly Pod[] = []): ObservedJob {
  return { job: of, pods, deletedPods: [], events: [], gone: false };
}

/** The status of a run that has been in this state for this many minutes. */
export function known(type: string, minutes = 30): RunStatus {
  const state = runStateOf({ id: "", version: 1, serialized_state: { type } }, new Date(ago(minutes)));
  return { kind: "known", state };
}

export function inventoryRun(
  flowRunId: string,
  given: Partial<Omit<InventoryRun, "observed">> & { readonly jobs?: readonly ObservedJob[] } = {},
): InventoryRun {
  const { jobs = [], ...more } = given;
  return {
    flowRunId,
    prefectVersion: 1,
    namespace: "flows",
    name: undefined,
    status: { kind: "unknown" },
    observed: { flowRunId, jobs },
    dask: [],
    ...more,
  };
}
