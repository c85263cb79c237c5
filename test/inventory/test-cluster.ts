// A fake cluster with Jobs of flow runs, and the command line against it.

import { onTestFinished } from "vitest";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { runCli } from "../support/run-cli.ts";
import type { CliResult, CliInput } from "../support/run-cli.ts";

/** A flow run id that consists of one digit. */
export const runId = (digit: number): string =>
  `${digit}0000000-0000-4000-8000-000000000000`.replaceAll("0", String(digit));

/** A time whose age is printed as 3d. */
export const DAYS_AGO = new Date(Date.now() - 3 * 86_400_000).toISOString().replace(/\.\d+Z/, "Z");

export interface TestCluster {
  readonly fake: FakeKubernetes;
  /** `kubectl prefect ARGV…` in the namespace `default` of the fake. */
  readonly cli: (argv: readonly string[], input?: CliInput) => Promise<CliResult>;
}

/** A fake that stops with the test; without controllers its objects do not change. */
export async function startTestCluster(
  options: FakeKubernetesOptions = { controller: false },
): Promise<TestCluster> {
  const fake = await startFakeKubernetes(options);
  onTestFinished(() => fake.stop());
  const cli: TestCluster["cli"] = (argv, input = {}) =>
    runCli(argv, {
      ...input,
      env: { KUBECONFIG: "/kubeconfig", ...input.env },
      files: { "/kubeconfig": fake.kubeconfig(), ...input.files },
    });
  return { fake, cli };
}

export interface JobSpec {
  readonly run: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The id of the run's flow. */
  readonly flow?: string;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly status?: JsonObject;
  /** No pod without it. */
  readonly pod?: JsonObject;
  readonly podSpec?: JsonObject;
  readonly createdAt?: string;
}

/** Creates a Job of Prefect 1, and its pod. */
export function putJob({ fake }: Pick<TestCluster, "fake">, name: string, options: JobSpec): void {
  const { run, namespace = "default", createdAt: creationTimestamp = DAYS_AGO } = options;
  const flowLabel = options.flow === undefined ? {} : { "prefect.io/flow_id": options.flow };
  const own = { "prefect.io/flow_run_id": run, "prefect.io/identifier": "0a1b2c3d", ...flowLabel };
  const labels = options.labels ?? own;
  const containers = [{ name: "flow", image: "flows:1" }];
  const spec = { restartPolicy: "Never", nodeName: "node-1", containers, ...options.podSpec };
  const { annotations = {} } = options;
  const metadata = { name, namespace, labels, annotations, creationTimestamp };
  const jobSpec = { backoffLimit: 0, template: { spec } };
  const job = fake.put("jobs", { metadata, spec: jobSpec, status: options.status ?? {} });
  if (options.pod === undefined) return;
  const { uid } = job.metadata;
  fake.put("pods", {
    metadata: {
      ...metadata,
      name: `${name}-pod`,
      labels: { ...(options.podLabels ?? labels), "job-name": name },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid, controller: true }],
    },
    spec,
    status: options.pod,
  });
}

/** Statuses of a pod with one container. */
export const POD = {
  running: {
    phase: "Running",
    containerStatuses: [
      { name: "flow", ready: true, restartCount: 2, state: { running: { startedAt: DAYS_AGO } } },
    ],
  },
  failed: {
    phase: "Failed",
    containerStatuses: [
      {
        name: "flow",
        ready: false,
        restartCount: 0,
        state: {
          terminated: { exitCode: 3, reason: "Error", startedAt: DAYS_AGO, finishedAt: DAYS_AGO },
        },
      },
    ],
  },
  done: {
    phase: "Succeeded",
    containerStatuses: [
      {
        name: "flow",
        ready: false,
        restartCount: 0,
        state: {
          terminated: { exitCode: 0, reason: "Completed", startedAt: DAYS_AGO, finishedAt: DAYS_AGO },
        },
      },
    ],
  },
  pulling: {
    phase: "Pending",
    containerStatuses: [
      {
        name: "flow",
        ready: false,
        restartCount: 0,
        state: {
          waiting: {
            reason: "ImagePullBackOff",
            message: 'Back-off pulling image "flows:1": ErrImagePull: manifest unknown',
          },
        },
      },
    ],
  },
} as const;

/** A Job's status with this condition True. */
export function ended(type: "Complete" | "Failed"): JsonObject {
  return { conditions: [{ type, status: "True", lastTransitionTime: DAYS_AGO }], completionTime: DAYS_AGO };
}
