// What is done to a run's Job and pod while the flow runs, by name.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Body, KubeServer, Reply } from "../../fakes/kubernetes/tests/kube-request.ts";
import type { FakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";

/** The run, and where it is. */
export interface DisturbedRun {
  readonly id: string;
  readonly server: KubeServer;
  readonly prefect: FakePrefect1;
  /** Objects that the suite made. */
  readonly names: { readonly highClass: string; readonly resource: string };
}

const OTHER = { image: "busybox:latest", imagePullPolicy: "IfNotPresent" };

export const DISTURBANCES = {
  "delete the pod": async ({ server, id }: DisturbedRun) => {
    const pod = await onlyOf("pods", server, id);
    must(await server.delete(server.path("pods", pod.metadata.name)));
  },
  "delete the Job": (run: DisturbedRun) => deleteJob(run, "Background"),
  "delete the Job, but not its pod": (run: DisturbedRun) => deleteJob(run, "Orphan"),
  "evict the pod": (run: DisturbedRun) => evictPod(run),
  "preempt the pod": async ({ server, names }: DisturbedRun) => {
    const slot = { [names.resource]: "1" };
    const resources = { limits: slot, requests: slot };
    const containers = [{ ...OTHER, name: "a", command: ["sleep", "60"], resources }];
    const spec = { priorityClassName: names.highClass, containers, terminationGracePeriodSeconds: 0 };
    must(await server.post(server.path("pods"), { metadata: { name: "important" }, spec }));
  },
  "suspend the Job, and resume it when its pod is gone": async ({ server, prefect, id }: DisturbedRun) => {
    const job = server.path("jobs", (await onlyOf("jobs", server, id)).metadata.name);
    must(await server.patch(job, { spec: { suspend: true } }));
    const isTold = (): boolean =>
      prefect.logsOf(id).some(({ message }) => message?.includes("is suspended") === true);
    await prefect.until(isTold, { what: "the run's log says that its Job is suspended", timeoutMs: 60_000 });
    await server.until(listPath("pods", server, id), ({ body }) => body.items.length === 0);
    must(await server.patch(job, { spec: { suspend: false } }));
  },
  "cancel the run": ({ prefect, id }: DisturbedRun) => prefect.setState(id, { type: "Cancelling" }),
  "delete the run": ({ prefect, id }: DisturbedRun) => void prefect.deleteFlowRun(id),
  "start a second Job that fails": async ({ server, id }: DisturbedRun) => {
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "5ec0dd00" };
    const containers = [{ ...OTHER, name: "flow", command: ["sh", "-c", "exit 9"] }];
    const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
    const metadata = { name: `second-${id.slice(0, 8)}`, labels };
    must(await server.post(server.path("jobs"), { metadata, spec: { backoffLimit: 0, template } }));
  },
} satisfies Readonly<Record<string, (run: DisturbedRun) => Promise<void> | void>>;

export type Disturbance = keyof typeof DISTURBANCES;

async function deleteJob({ server, id }: DisturbedRun, propagationPolicy: string): Promise<void> {
  const { name } = (await onlyOf("jobs", server, id)).metadata;
  must(await server.delete(server.path("jobs", name), { propagationPolicy } satisfies JsonObject));
}

/** Evicts the run's pod, as a drain of its node does. */
export async function evictPod({ server, id }: Pick<DisturbedRun, "server" | "id">): Promise<void> {
  const { name } = (await onlyOf("pods", server, id)).metadata;
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
  must(await server.post(`${server.path("pods", name)}/eviction`, eviction));
}

async function onlyOf(kind: "jobs" | "pods", server: KubeServer, id: string): Promise<Body> {
  const [only] = must(await server.get(listPath(kind, server, id))).body.items;
  if (only === undefined) throw new Error(`the run ${id} has no ${kind}`);
  return only;
}

/** The path that lists what the run has of this kind. */
export function listPath(kind: "jobs" | "pods", server: KubeServer, id: string): string {
  return `${server.path(kind)}?labelSelector=prefect.io/flow_run_id%3D${id}`;
}

/** Throws if the server refused. */
export function must(reply: Reply): Reply {
  if (reply.status >= 300) throw new Error(`the API server answered ${reply.status}: ${reply.text}`);
  return reply;
}
