// A cluster on the fake with Jobs as they lie around, and the command line against it.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { runCli } from "../support/run-cli.ts";
import type { CliResult, CliWorld } from "../support/run-cli.ts";

/** Flow-run ids, each of a digit. */
export const runId = (digit: number): string =>
  `${digit}0000000-0000-4000-8000-000000000000`.replaceAll("0", String(digit));

/** So long ago that its age is printed as 3d, whatever the second. */
export const DAYS_AGO = new Date(Date.now() - 3 * 86_400_000).toISOString().replace(/\.\d+Z/, "Z");

export interface World {
  readonly fake: FakeKubernetes;
  /** `kubectl prefect ARGV…` in the namespace `default` of the fake. */
  readonly cli: (argv: readonly string[], given?: CliWorld) => Promise<CliResult>;
}

/** A fake that stops with the test; without controllers what is put there stays as it is. */
export async function readingWorld(options: FakeKubernetesOptions = { controller: false }): Promise<World> {
  const fake = await startFakeKubernetes(options);
  onTestFinished(() => fake.stop());
  const cli: World["cli"] = (argv, given = {}) =>
    runCli(argv, {
      ...given,
      env: { KUBECONFIG: "/kubeconfig", ...given.env },
      files: { "/kubeconfig": fake.kubeconfig(), ...given.files },
    });
  return { fake, cli };
}

export interface JobSpec {
  readonly run: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly status?: JsonObject;
  /** No pod without it. */
  readonly pod?: JsonObject;
  readonly podSpec?: JsonObject;
  readonly createdAt?: string;
}

/** Puts a Job of Prefect 1, and its pod. */
export function putJob({ fake }: Pick<World, "fake">, name: string, given: JobSpec): void {
  const { run, namespace = "default", createdAt: creationTimestamp = DAYS_AGO } = given;
  const labels = given.labels ?? { "prefect.io/flow_run_id": run };
  const containers = [{ name: "flow", image: "flows:1" }];
  const spec = { restartPolicy: "Never", nodeName: "node-1", containers, ...given.podSpec };
  const metadata = { name, namespace, labels, creationTimestamp };
  const jobSpec = { backoffLimit: 0, template: { spec } };
  const job = fake.put("jobs", { metadata, spec: jobSpec, status: given.status ?? {} });
  if (given.pod === undefined) return;
  const { uid } = job.metadata;
  fake.put("pods", {
    metadata: {
      ...metadata,
      name: `${name}-pod`,
      labels: { ...(given.podLabels ?? labels), "job-name": name },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid, controller: true }],
    },
    spec,
    status: given.pod,
  });
}

/** What kubelet says of a pod's one container. */
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
        state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "flows:1"' } },
      },
    ],
  },
} as const;

/** A Job's status with this condition True. */
export function ended(type: "Complete" | "Failed"): JsonObject {
  return { conditions: [{ type, status: "True", lastTransitionTime: DAYS_AGO }], completionTime: DAYS_AGO };
}

export interface RestCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: JsonObject;
}

/** A Prefect 3 API that answers every request with this, and keeps what it was asked. */
export async function fakePrefect3(
  answer: (call: RestCall) => { readonly status?: number; readonly body: unknown },
): Promise<{ readonly url: string; readonly calls: RestCall[] }> {
  const calls: RestCall[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as JsonObject;
      const call = { path: request.url ?? "", authorization: request.headers.authorization, body };
      calls.push(call);
      const { status = 200, body: said } = answer(call);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof said === "string" ? said : JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, calls };
}
