// Post-mortem: what a flow run's log says of a Job that failed, for the person who owns the flow.

import type { ContainerStatus, Pod } from "../../kube/client/objects.ts";
import type { ObservedJob } from "./observed.ts";
import type { Problem } from "./problem.ts";
import { describeEnd, oneLine } from "./problem.ts";

/** The whole story: summary, hint, then each pod with node, containers, ends and memory. */
export function postMortem(print: ObservedJob, problem: Problem): string {
  const lines = [`Job ${print.job.metadata.name}: ${problem.message}`];
  if (problem.hint !== undefined) lines.push(`\tHint: ${problem.hint}`);
  const departed = new Set(print.deletedPods.map(({ metadata }) => metadata.uid));
  for (const pod of [...print.pods, ...print.deletedPods]) {
    lines.push(...podLines(pod, departed.has(pod.metadata.uid)));
  }
  return lines.join("\n");
}

function podLines(pod: Pod, gone: boolean): string[] {
  const node = pod.spec.nodeName === undefined ? "no node" : `node ${pod.spec.nodeName}`;
  const phase = gone ? "deleted" : (pod.status.phase ?? "Unknown");
  const lines = [`Pod ${pod.metadata.name} (${phase}, ${node})`];
  const words = [pod.status.reason, pod.status.message].filter((word) => word !== undefined && word !== "");
  if (words.length > 0) lines.push(`\t${oneLine(words.join(": "))}`);
  for (const status of pod.status.initContainerStatuses ?? [])
    lines.push(...containerLines(pod, status, "Init container"));
  for (const status of pod.status.containerStatuses ?? [])
    lines.push(...containerLines(pod, status, "Container"));
  return lines;
}

function containerLines(pod: Pod, status: ContainerStatus, title: string): string[] {
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  const spec = all.find(({ name }) => name === status.name);
  const restarts = (status.restartCount ?? 0) > 0 ? `, restarted ${status.restartCount} times` : "";
  const lines = [`\t${title} '${status.name}' ${describeState(status, spec)}${restarts}`];
  const memory = [spec?.resources?.requests?.["memory"], spec?.resources?.limits?.["memory"]];
  if (memory.some((amount) => amount !== undefined)) {
    lines.push(`\t\tMemory: requested ${memory[0] ?? "none"}, limit ${memory[1] ?? "none"}`);
  }
  return lines;
}

function describeState(status: ContainerStatus, spec: Parameters<typeof describeEnd>[1]): string {
  const { waiting, running, terminated } = status.state ?? {};
  if (terminated !== undefined) {
    const reason = terminated.reason === undefined ? "" : ` (${terminated.reason})`;
    return terminated.exitCode === 0 ? `completed${reason}` : describeEnd(terminated, spec);
  }
  if (waiting !== undefined) {
    const message = waiting.message === undefined ? "" : `: ${oneLine(waiting.message)}`;
    return `waits (${waiting.reason ?? "no reason given"}${message})`;
  }
  return running === undefined ? "has no state" : "is running";
}
