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
import { describeEnd, oneLine } from "../../../job/observe/problem.ts";
import { lastSeenAt } from "../../../kube/client/objects.ts";
import type { Container, ContainerStatus, KubeEvent, Pod } from "../../../kube/client/objects.ts";
import { age } from "../../../output/age.ts";
import type { Tone } from "../../../output/palette.ts";
import type { TreeNode } from "../../../output/tree.ts";

const EVENTS_AT_MOST = 12;

/** The run with all that it has, ages up to `now`. */
export function runTree(run: InventoryRun, now: Date): TreeNode {
  const { state } = run.status.kind === "known" ? run.status : { state: undefined };
  const message =
    typeof state?.message === "string" && state.message !== "" ? `: ${oneLine(state.message)}` : "";
  const name = run.name === undefined ? "" : ` ${run.name}`;
  const nodes = [
    ...run.observed.jobs.map((print) => (run.podsForbidden === true ? blindNode : jobNode)(print, now)),
    ...run.dask.map((dask) => daskNode(dask, now)),
  ];
  const where = run.namespace === "" ? "the cluster" : `namespace "${run.namespace}"`;
  const nothing: TreeNode = { text: `nothing of it is in ${where}`, tone: "quiet" };
  return {
    text: `flow run${name} ${run.flowRunId || "<none>"} (Prefect ${run.prefectVersion === 1 ? "1" : "2 or 3"})`,
    children: [{ text: `state ${runStateText(run)}${message}` }, ...(nodes.length === 0 ? [nothing] : nodes)],
  };
}

function jobNode(print: ObservedJob, now: Date): TreeNode {
  const { job } = print;
  const phase = jobPhase(print);
  const since = age(job.metadata.creationTimestamp, now);
  return {
    text: `job/${job.metadata.name} ${phase.kind}, ${since} old`,
    tone: toneOf(phase),
    children: [
      ...print.pods.map((pod) => podNode(pod, { now, events: eventsOf(print, pod.metadata.uid) })),
      ...eventNodes(eventsOf(print, job.metadata.uid), now),
    ],
  };
}

/** A Job whose pods may not be listed: how it stands nobody can tell. */
function blindNode(print: ObservedJob, now: Date): TreeNode {
  const { name, uid, creationTimestamp } = print.job.metadata;
  return {
    text: `job/${name}, ${age(creationTimestamp, now)} old`,
    children: [
      { text: "its pods may not be listed", tone: "quiet" },
      ...eventNodes(eventsOf(print, uid), now),
    ],
  };
}

function toneOf({ kind }: JobPhase): Tone | undefined {
  if (kind === "failed" || kind === "stuck" || kind === "disrupted" || kind === "deleted") return "bad";
  return kind === "live" ? "good" : undefined;
}

function podNode(pod: Pod, given: { readonly now: Date; readonly events: readonly KubeEvent[] }): TreeNode {
  const node = pod.spec.nodeName === undefined ? "no node" : `on ${pod.spec.nodeName}`;
  const restarts = restartsOf(pod);
  const restarted = restarts === 0 ? "" : `, ${restarts} restarts`;
  const because = [pod.status.reason, pod.status.message].filter((word) => word !== undefined && word !== "");
  return {
    text: [
      `pod/${pod.metadata.name} ${podStatus(pod)}, ${node}${restarted}, ${age(pod.metadata.creationTimestamp, given.now)} old`,
      ...(because.length === 0 ? [] : [oneLine(because.join(": "))]),
    ].join("\n"),
    tone: isReady(pod) ? "good" : undefined,
    children: [
      ...(pod.spec.initContainers ?? []).map((spec) => containerNode(pod, spec, "init container")),
      ...(pod.spec.containers ?? []).map((spec) => containerNode(pod, spec, "container")),
      ...eventNodes(given.events, given.now),
    ],
  };
}

function containerNode(pod: Pod, spec: Container, title: string): TreeNode {
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const status = statuses.find(({ name }) => name === spec.name);
  const end = status?.state?.terminated;
  const isBad = (end !== undefined && end.exitCode !== 0) || status?.state?.waiting?.message !== undefined;
  const last = status?.lastState?.terminated;
  const before = last === undefined ? [] : [`before: ${describeEnd(last, spec)}`];
  const text = `${title} ${spec.name} (${spec.image ?? "no image"}) ${containerState(status, spec)}`;
  return { text: [text, ...before].join("\n"), tone: isBad ? "bad" : undefined };
}

function containerState(status: ContainerStatus | undefined, spec: Container): string {
  const { running, terminated, waiting } = status?.state ?? {};
  if (running !== undefined) return status?.ready === true ? "running" : "running, not ready";
  if (terminated !== undefined) return describeEnd(terminated, spec);
  const { reason = "", message = "" } = waiting ?? {};
  if (reason === "") return "not started";
  return message === "" ? `waiting: ${reason}` : `waiting: ${reason}: ${oneLine(message)}`;
}

function eventNodes(events: readonly KubeEvent[], now: Date): readonly TreeNode[] {
  const shown = events.slice(-EVENTS_AT_MOST);
  const left = events.length - shown.length;
  return [
    ...(left > 0 ? [{ text: `… ${left} earlier events`, tone: "quiet" as const }] : []),
    ...shown.map((event) => eventNode(event, now)),
  ];
}

function eventNode(event: KubeEvent, now: Date): TreeNode {
  const times = event.series?.count ?? event.count ?? 1;
  const often = times > 1 ? ` (${times} times)` : "";
  const ago = age(lastSeenAt(event) ?? event.metadata.creationTimestamp, now);
  const isWarning = event.type === "Warning";
  return {
    text: `event ${event.reason ?? "None"}${often} ${ago} ago: ${oneLine(event.message ?? "")}`,
    tone: isWarning ? "bad" : "quiet",
  };
}

function daskNode(dask: ObservedCluster, now: Date): TreeNode {
  const made = daskCreatedAt(dask);
  const by = dask.owner === undefined ? "" : `, tied to the run by ${dask.owner.by}`;
  const pods = daskPods(dask).map((pod) => {
    const role = pod === dask.scheduler ? "scheduler" : "worker";
    return { text: `${role} pod/${pod.metadata.name} ${podStatus(pod)}` };
  });
  return {
    text: `${daskName(dask)} (${dask.kind}${by}), ${age(made, now)} old`,
    children: [
      ...pods,
      ...dask.services.map(({ metadata }) => ({ text: `service/${metadata.name}` })),
      ...dask.budgets.map(({ metadata }) => ({ text: `poddisruptionbudget/${metadata.name}` })),
    ],
  };
}
