// `inspect` as a tree: run → Job → pods → containers, Dask clusters, events.

import { podsOf, type ObservedCluster } from "../../../dask/dask-cluster.ts";
import { daskCreatedAt, daskName } from "../../../inventory/dask-row.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { runStateText } from "../../../inventory/job-row.ts";
import { isReady, podStatus, restartsOf } from "../../../inventory/pod-status.ts";
import { containersOf, containerStatuses } from "../../../job/observe/flow-container.ts";
import { agentText, isGone, pollText } from "../../../inventory/run-owner.ts";
import { eventsOf, type ObservedJob } from "../../../job/observe/observed.ts";
import { jobPhase, phaseName } from "../../../job/observe/phase.ts";
import { describeTermination } from "../../../job/observe/termination.ts";
import { lastSeenAt, timesSeen } from "../../../kube/client/objects.ts";
import type { Container, ContainerStatus, KubeEvent, Pod } from "../../../kube/client/objects.ts";
import { age } from "../../../output/age.ts";
import { toneOf } from "../../../output/palette.ts";
import type { TreeNode } from "../../../output/tree.ts";
import { newIn } from "./new-text.ts";

const MAX_EVENTS = 12;

/** When the tree is drawn, and the text that stands above it. */
interface View {
  readonly now: Date;
  readonly shown: string;
}

/** The run with its objects. Messages that are part of `shown` are left out. */
export function runTree(run: InventoryRun, now: Date, shown: string): TreeNode {
  const view = { now, shown };
  const { state } = run.status;
  const name = run.name === undefined ? "" : ` ${run.name}`;
  const nodes = [
    ...run.observed.jobs.map((job) => jobNode(job, run.podsForbidden === true, view)),
    ...run.dask.map((dask) => daskNode(dask, now)),
  ];
  const where = run.namespace === "" ? "the cluster" : `namespace "${run.namespace}"`;
  const noObjects: TreeNode = { text: `no objects in ${where}`, tone: "quiet" };
  return {
    text: `flow run${name} ${run.flowRunId || "<none>"} (Prefect ${run.prefectVersion === 1 ? "1" : "2 or 3"})`,
    children: [
      {
        text: withMessage(`state ${runStateText(run)}`, state?.message ?? "", view),
        tone: toneOf(state?.type ?? ""),
      },
      ...ownerNodes(run),
      ...(nodes.length === 0 ? [noObjects] : nodes),
    ],
  };
}

function ownerNodes({ owner }: InventoryRun): readonly TreeNode[] {
  if (owner === undefined) return [];
  return [{ text: `${agentText(owner)} ${pollText(owner)}`, tone: isGone(owner) ? "stale" : "quiet" }];
}

/** Without permission to list its pods its phase is unknown. */
function jobNode(observed: ObservedJob, isForbidden: boolean, view: View): TreeNode {
  const { name, uid, creationTimestamp } = observed.job.metadata;
  const kind = isForbidden ? "" : phaseName(jobPhase(observed));
  const shown = observed.gone ? " deleted, its pods let go" : ` ${kind}`;
  const pods = observed.pods.map((pod) => podNode(pod, eventsOf(observed, pod.metadata.uid), view));
  const forbidden: TreeNode = { text: "no permission to list its pods", tone: "quiet" };
  return {
    text: `job/${name}${shown.trimEnd()}, ${age(creationTimestamp, view.now)} old`,
    tone: isForbidden ? undefined : toneOf(kind),
    children: [...(isForbidden ? [forbidden] : pods), ...eventNodes(eventsOf(observed, uid), view)],
  };
}

function podNode(pod: Pod, events: readonly KubeEvent[], view: View): TreeNode {
  const node = pod.spec.nodeName === undefined ? "no node" : `on ${pod.spec.nodeName}`;
  const restarts = restartsOf([pod]);
  const restarted = restarts === 0 ? "" : `, ${restarts} restarts`;
  const details = [pod.status.reason, pod.status.message].filter((text) => text !== undefined && text !== "");
  const detail = newIn(details.join(": "), view.shown);
  const since = age(pod.metadata.creationTimestamp, view.now);
  return {
    text: `pod/${pod.metadata.name} ${podStatus(pod)}, ${node}${restarted}, ${since} old`,
    more: detail === "" ? [] : [detail],
    tone: isReady(pod) ? "good" : undefined,
    children: [
      ...containersOf(pod).map((spec) => containerNode(pod, spec, view)),
      ...eventNodes(events, view),
    ],
  };
}

function containerNode(pod: Pod, spec: Container, view: View): TreeNode {
  const title = pod.spec.initContainers?.includes(spec) === true ? "init container" : "container";
  const status = containerStatuses(pod).find(({ name }) => name === spec.name);
  const { terminated, waiting } = status?.state ?? {};
  const last = status?.lastState?.terminated;
  const previous = last === undefined ? [] : [`previous: ${describeTermination(last, spec)}`];
  const text = `${title} ${spec.name} (${spec.image ?? "no image"}) ${containerState(status, spec, view)}`;
  const hasFailed = terminated !== undefined && terminated.exitCode !== 0;
  const tone = hasFailed ? "bad" : waiting?.message === undefined ? undefined : "stale";
  return { text, more: previous, tone };
}

function containerState(status: ContainerStatus | undefined, spec: Container, view: View): string {
  const { running, terminated, waiting } = status?.state ?? {};
  if (running !== undefined) return status?.ready === true ? "running" : "running, not ready";
  if (terminated !== undefined) return describeTermination(terminated, spec);
  const { reason = "", message = "" } = waiting ?? {};
  return reason === "" ? "not started" : withMessage(`waiting: ${reason}`, message, view);
}

/** The text with what is new in a message behind it. */
function withMessage(text: string, message: string, { shown }: View): string {
  const added = newIn(message, shown);
  return added === "" ? text : `${text}: ${added}`;
}

function eventNodes(events: readonly KubeEvent[], view: View): readonly TreeNode[] {
  const latest = events.slice(-MAX_EVENTS);
  const hidden = events.length - latest.length;
  return [
    ...(hidden > 0 ? [{ text: `… ${hidden} earlier events`, tone: "quiet" as const }] : []),
    ...latest.map((event) => eventNode(event, view)),
  ];
}

function eventNode(event: KubeEvent, view: View): TreeNode {
  const times = timesSeen(event);
  const count = times > 1 ? ` (${times} times)` : "";
  const ago = age(lastSeenAt(event) ?? event.metadata.creationTimestamp, view.now);
  return {
    text: withMessage(`event ${event.reason ?? "None"}${count} ${ago} ago`, event.message ?? "", view),
    tone: event.type === "Warning" ? "stale" : "quiet",
  };
}

function daskNode(dask: ObservedCluster, now: Date): TreeNode {
  const by = dask.owner === undefined ? "" : `, attributed by ${dask.owner.by}`;
  const pods = podsOf(dask).map((pod) => {
    const role = pod === dask.scheduler ? "scheduler" : "worker";
    return { text: `${role} pod/${pod.metadata.name} ${podStatus(pod)}` };
  });
  return {
    text: `${daskName(dask)} (${dask.kind}${by}), ${age(daskCreatedAt(dask), now)} old`,
    children: [
      ...pods,
      ...dask.services.map(({ metadata }) => ({ text: `service/${metadata.name}` })),
      ...dask.budgets.map(({ metadata }) => ({ text: `poddisruptionbudget/${metadata.name}` })),
    ],
  };
}
