// `inspect` as a tree: run → Job → pods → containers, Dask clusters, events.

import { daskCreatedAt, daskName, daskPods } from "../../../inventory/dask-row.ts";
import type { ObservedCluster } from "../../../dask/dask-cluster.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { runStateText } from "../../../inventory/job-row.ts";
import { isReady, podStatus, restartsOf } from "../../../inventory/pod-status.ts";
import type { ObservedJob } from "../../../job/observe/observed.ts";
import { eventsOf } from "../../../job/observe/observed.ts";
import type { JobPhase } from "../../../job/observe/phase.ts";
import { jobPhase } from "../../../job/observe/phase.ts";
import { describeTermination, oneLine } from "../../../job/observe/problem.ts";
import { lastSeenAt } from "../../../kube/client/objects.ts";
import type { Container, ContainerStatus, KubeEvent, Pod } from "../../../kube/client/objects.ts";
import { age } from "../../../output/age.ts";
import type { Tone } from "../../../output/palette.ts";
import type { TreeNode } from "../../../output/tree.ts";

const MAX_EVENTS = 12;

/** The run with its objects. */
export function runTree(run: InventoryRun, now: Date): TreeNode {
  const { state } = run.status.kind === "known" ? run.status : { state: undefined };
  const message = typeof state?.message === "string" && state.message !== "" ? `: ${state.message}` : "";
  const name = run.name === undefined ? "" : ` ${oneLine(run.name)}`;
  const nodes = [
    ...run.observed.jobs.map((job) => (run.podsForbidden === true ? jobWithoutPodsNode : jobNode)(job, now)),
    ...run.dask.map((dask) => daskNode(dask, now)),
  ];
  const where = run.namespace === "" ? "the cluster" : `namespace "${run.namespace}"`;
  const noObjects: TreeNode = { text: `no objects in ${where}`, tone: "quiet" };
  return {
    text: `flow run${name} ${run.flowRunId || "<none>"} (Prefect ${run.prefectVersion === 1 ? "1" : "2 or 3"})`,
    children: [
      { text: oneLine(`state ${runStateText(run)}${message}`) },
      ...(nodes.length === 0 ? [noObjects] : nodes),
    ],
  };
}

function jobNode(observed: ObservedJob, now: Date): TreeNode {
  const { job } = observed;
  const phase = jobPhase(observed);
  const since = age(job.metadata.creationTimestamp, now);
  return {
    text: `job/${job.metadata.name} ${phase.kind}, ${since} old`,
    tone: toneOf(phase),
    children: [
      ...observed.pods.map((pod) => podNode(pod, { now, events: eventsOf(observed, pod.metadata.uid) })),
      ...eventNodes(eventsOf(observed, job.metadata.uid), now),
    ],
  };
}

/** A Job without permission to list its pods: its phase is unknown. */
function jobWithoutPodsNode(observed: ObservedJob, now: Date): TreeNode {
  const { name, uid, creationTimestamp } = observed.job.metadata;
  return {
    text: `job/${name}, ${age(creationTimestamp, now)} old`,
    children: [
      { text: "no permission to list its pods", tone: "quiet" },
      ...eventNodes(eventsOf(observed, uid), now),
    ],
  };
}

function toneOf({ kind }: JobPhase): Tone | undefined {
  if (kind === "failed" || kind === "stuck" || kind === "disrupted" || kind === "deleted") return "bad";
  return kind === "live" ? "good" : undefined;
}

function podNode(pod: Pod, options: { readonly now: Date; readonly events: readonly KubeEvent[] }): TreeNode {
  const node = pod.spec.nodeName === undefined ? "no node" : `on ${pod.spec.nodeName}`;
  const restarts = restartsOf(pod);
  const restarted = restarts === 0 ? "" : `, ${restarts} restarts`;
  const details = [pod.status.reason, pod.status.message].filter((text) => text !== undefined && text !== "");
  return {
    text: [
      `pod/${pod.metadata.name} ${oneLine(podStatus(pod))}, ${node}${restarted}, ${age(pod.metadata.creationTimestamp, options.now)} old`,
      ...(details.length === 0 ? [] : [oneLine(details.join(": "))]),
    ].join("\n"),
    tone: isReady(pod) ? "good" : undefined,
    children: [
      ...(pod.spec.initContainers ?? []).map((spec) => containerNode(pod, spec, "init container")),
      ...(pod.spec.containers ?? []).map((spec) => containerNode(pod, spec, "container")),
      ...eventNodes(options.events, options.now),
    ],
  };
}

function containerNode(pod: Pod, spec: Container, title: string): TreeNode {
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const status = statuses.find(({ name }) => name === spec.name);
  const end = status?.state?.terminated;
  const isBad = (end !== undefined && end.exitCode !== 0) || status?.state?.waiting?.message !== undefined;
  const last = status?.lastState?.terminated;
  const previous = last === undefined ? [] : [`previous: ${describeTermination(last, spec)}`];
  const text = `${title} ${spec.name} (${spec.image ?? "no image"}) ${containerState(status, spec)}`;
  return { text: [text, ...previous].join("\n"), tone: isBad ? "bad" : undefined };
}

function containerState(status: ContainerStatus | undefined, spec: Container): string {
  const { running, terminated, waiting } = status?.state ?? {};
  if (running !== undefined) return status?.ready === true ? "running" : "running, not ready";
  if (terminated !== undefined) return describeTermination(terminated, spec);
  const { reason = "", message = "" } = waiting ?? {};
  if (reason === "") return "not started";
  return message === "" ? `waiting: ${oneLine(reason)}` : `waiting: ${oneLine(`${reason}: ${message}`)}`;
}

function eventNodes(events: readonly KubeEvent[], now: Date): readonly TreeNode[] {
  const shown = events.slice(-MAX_EVENTS);
  const hidden = events.length - shown.length;
  return [
    ...(hidden > 0 ? [{ text: `… ${hidden} earlier events`, tone: "quiet" as const }] : []),
    ...shown.map((event) => eventNode(event, now)),
  ];
}

function eventNode(event: KubeEvent, now: Date): TreeNode {
  const times = event.series?.count ?? event.count ?? 1;
  const count = times > 1 ? ` (${times} times)` : "";
  const ago = age(lastSeenAt(event) ?? event.metadata.creationTimestamp, now);
  const isWarning = event.type === "Warning";
  return {
    text: oneLine(`event ${event.reason ?? "None"}${count} ${ago} ago: ${event.message ?? ""}`),
    tone: isWarning ? "bad" : "quiet",
  };
}

function daskNode(dask: ObservedCluster, now: Date): TreeNode {
  const createdAt = daskCreatedAt(dask);
  const by = dask.owner === undefined ? "" : `, attributed by ${dask.owner.by}`;
  const pods = daskPods(dask).map((pod) => {
    const role = pod === dask.scheduler ? "scheduler" : "worker";
    return { text: `${role} pod/${pod.metadata.name} ${podStatus(pod)}` };
  });
  return {
    text: `${daskName(dask)} (${dask.kind}${by}), ${age(createdAt, now)} old`,
    children: [
      ...pods,
      ...dask.services.map(({ metadata }) => ({ text: `service/${metadata.name}` })),
      ...dask.budgets.map(({ metadata }) => ({ text: `poddisruptionbudget/${metadata.name}` })),
    ],
  };
}
