// The report on a failed Job for the flow run's log.

import type { Container, ContainerStatus, Pod } from "../../kube/client/objects.ts";
import { containerStatuses, specOf } from "./flow-container.ts";
import type { ObservedJob } from "./observed.ts";
import { because, oneLine, type Problem } from "./problem.ts";
import { describeTermination } from "./termination.ts";

/** Summary and hint, then each pod with its node, its containers, how they terminated, and their memory. */
export function postMortem(observed: ObservedJob, problem: Problem): string {
  const lines = [`Job ${observed.job.metadata.name}: ${problem.message}`];
  if (problem.hint !== undefined) lines.push(`\tHint: ${problem.hint}`);
  for (const pod of observed.pods) lines.push(...podLines(pod, pod.status.phase ?? "Unknown"));
  for (const pod of observed.deletedPods) lines.push(...podLines(pod, "deleted"));
  return lines.join("\n");
}

function podLines(pod: Pod, phase: string): readonly string[] {
  const node = pod.spec.nodeName === undefined ? "no node" : `node ${pod.spec.nodeName}`;
  const lines = [`Pod ${pod.metadata.name} (${phase}, ${node})`];
  const details = because(pod.status.reason, pod.status.message);
  if (details !== "") lines.push(`\t${details}`);
  return [...lines, ...containerStatuses(pod).flatMap((status) => containerLines(pod, status))];
}

function containerLines(pod: Pod, status: ContainerStatus): readonly string[] {
  const isInit = pod.status.initContainerStatuses?.includes(status) === true;
  const title = isInit ? "Init container" : "Container";
  const spec = specOf(pod, status);
  const restarts = (status.restartCount ?? 0) > 0 ? `, restarted ${status.restartCount} times` : "";
  const lines = [`\t${title} '${status.name}' ${describeState(status, spec)}${restarts}`];
  const memory = [spec?.resources?.requests?.["memory"], spec?.resources?.limits?.["memory"]];
  if (memory.some((amount) => amount !== undefined)) {
    lines.push(`\t\tMemory: requested ${memory[0] ?? "none"}, limit ${memory[1] ?? "none"}`);
  }
  return lines;
}

function describeState(status: ContainerStatus, spec: Container | undefined): string {
  const { waiting, running, terminated } = status.state ?? {};
  if (terminated !== undefined) {
    const reason = terminated.reason === undefined ? "" : ` (${terminated.reason})`;
    return terminated.exitCode === 0 ? `completed${reason}` : describeTermination(terminated, spec);
  }
  if (waiting !== undefined) {
    const message = waiting.message === undefined ? "" : `: ${oneLine(waiting.message)}`;
    return `is waiting (${waiting.reason ?? "no reason given"}${message})`;
  }
  return running === undefined ? "has no state" : "is running";
}
