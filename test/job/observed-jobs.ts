// Jobs, pods, events and observed runs for tests: healthy by default, changed by each test.

import type {
  Condition,
  ContainerStatus,
  Job,
  JobStatus,
  KubeEvent,
  Pod,
} from "../../src/kube/client/objects.ts";
import type { ObservedRun, ObservedJob } from "../../src/job/observe/observed.ts";

export const RUN_ID = "11111111-2222-4333-8444-555555555555";
export const T0 = new Date("2026-11-21T03:00:00Z");

/** The time this many seconds after T0. */
export function at(seconds: number): Date {
  return new Date(T0.getTime() + seconds * 1_000);
}

export function job(
  change: Partial<Job["metadata"]> = {},
  rest: Partial<Pick<Job, "spec" | "status">> = {},
): Job {
  return {
    metadata: {
      name: "prefect-job-a",
      namespace: "flows",
      uid: "job-a",
      resourceVersion: "1",
      creationTimestamp: T0.toISOString(),
      labels: { "prefect.io/flow_run_id": RUN_ID, "prefect.io/identifier": "aaaaaaaa" },
      ...change,
    },
    spec: { backoffLimit: 0, parallelism: 1, completions: 1, ...rest.spec },
    status: rest.status ?? {},
  };
}

export function condition(type: string, reason?: string, seconds = 60): Condition {
  return {
    type,
    status: "True",
    lastTransitionTime: at(seconds).toISOString(),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The status of a finished Job in Kubernetes 1.20 or 1.35. */
export function over(version: "1.20" | "1.35", end: "succeeded" | "failed", reason?: string): JobStatus {
  const early = end === "succeeded" ? "SuccessCriteriaMet" : "FailureTarget";
  const last = end === "succeeded" ? "Complete" : "Failed";
  const conditions = [
    ...(version === "1.35" ? [condition(early, reason)] : []),
    condition(last, reason ?? "BackoffLimitExceeded"),
  ];
  const completed = { succeeded: 1, completionTime: at(60).toISOString() };
  return { conditions, ...(end === "succeeded" ? completed : { failed: 1 }) };
}

interface PodChange {
  readonly metadata?: Partial<Pod["metadata"]>;
  readonly spec?: Pod["spec"];
  readonly status?: Pod["status"];
}

export function pod(change: PodChange = {}): Pod {
  return {
    metadata: {
      name: "pod-a",
      namespace: "flows",
      uid: "pod-a",
      resourceVersion: "1",
      creationTimestamp: T0.toISOString(),
      labels: { "prefect.io/flow_run_id": RUN_ID },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "prefect-job-a", uid: "job-a" }],
      ...change.metadata,
    },
    spec: {
      restartPolicy: "Never",
      nodeName: "node-1",
      containers: [{ name: "flow", image: "flows:1" }],
      ...change.spec,
    },
    status: { phase: "Running", containerStatuses: [running("flow")], ...change.status },
  };
}

export function running(name: string, rest: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name, state: { running: { startedAt: at(1).toISOString() } }, ...rest };
}

export function waiting(name: string, reason: string, message = ""): ContainerStatus {
  return { name, state: { waiting: { reason, message } } };
}

export function ended(
  name: string,
  exitCode: number,
  rest: { reason?: string; signal?: number } = {},
): ContainerStatus {
  return { name, state: { terminated: { exitCode, finishedAt: at(60).toISOString(), ...rest } } };
}

/** A pod whose flow container exited with this code. */
export function failedPod(exitCode = 1, rest: { reason?: string; signal?: number } = {}): Pod {
  return pod({ status: { phase: "Failed", containerStatuses: [ended("flow", exitCode, rest)] } });
}

/** A pod that has not started, with these container statuses. */
export function pendingPod(...containerStatuses: ContainerStatus[]): Pod {
  return pod({ status: { phase: "Pending", containerStatuses } });
}

/** An event about the object with this uid: reason, message, and seconds after T0. */
export function event(uid: string, [reason, message, seconds = 1]: [string, string, number?]): KubeEvent {
  const time = at(seconds).toISOString();
  return {
    metadata: {
      name: `${uid}.${reason}.${seconds}`,
      namespace: "flows",
      uid: `${uid}.${reason}.${seconds}`,
      resourceVersion: "1",
      creationTimestamp: time,
    },
    involvedObject: { kind: uid.startsWith("pod") ? "Pod" : "Job", uid },
    reason,
    message,
    lastTimestamp: time,
  };
}

export function observedJob(change: Partial<ObservedJob> = {}): ObservedJob {
  return { job: job(), pods: [pod()], deletedPods: [], events: [], gone: false, ...change };
}

export function observedRun(...jobs: ObservedJob[]): ObservedRun {
  return { flowRunId: RUN_ID, jobs };
}
