// A node without a kubelet: the test binds pods to it, writes their status and their events, and ends those that are deleted.
// The API server and the controllers act on it all as they do anywhere.

import { setTimeout as later } from "node:timers/promises";
import type { Body, KubeServer } from "../../fakes/kubernetes/tests/kube-request.ts";
import type { PodEvent, PodStep } from "../../fakes/kubernetes/pod-script.ts";
import { must } from "./disturbances.ts";

/** No scheduler has this name: pods wait until the test binds them. */
export const TEST_SCHEDULER = "kubectl-prefect-test";

export interface TestNodeOptions {
  readonly server: KubeServer;
  readonly name: string;
  /** How many times faster than written steps follow each other. */
  readonly speed: number;
  /** The steps of a pod that has appeared. */
  readonly stepsOf: (pod: Body) => readonly PodStep[];
  /** Told before a pod's phase is written. */
  readonly onPhase: (pod: Body, phase: string) => void;
  /** Whether the pod ends when it is deleted. */
  readonly endsWhenDeleted: (pod: Body) => boolean;
}

export class TestNode {
  readonly #options: TestNodeOptions;
  readonly #stop = new AbortController();
  readonly #known = new Set<string>();
  readonly #work: Promise<void>[] = [];

  constructor(options: TestNodeOptions) {
    this.#options = options;
  }

  /** Makes the node, on which nothing else is scheduled, and leads pods through their lives until it is stopped. */
  async start(): Promise<void> {
    const { server, name } = this.#options;
    const taint = { key: "example.com/test", value: "true", effect: "NoSchedule" };
    must(await server.post("/api/v1/nodes", { metadata: { name }, spec: { taints: [taint] } }));
    const ready = { type: "Ready", status: "True", lastHeartbeatTime: now(), lastTransitionTime: now() };
    must(await server.patch(`/api/v1/nodes/${name}/status`, { status: { conditions: [ready] } }));
    this.#work.push(this.#serve());
  }

  /** Removes the node and what is left on it. */
  async stop(): Promise<void> {
    const { server, name } = this.#options;
    this.#stop.abort();
    await Promise.all(this.#work);
    for (const pod of await this.#pods()) await this.#end(pod);
    await server.delete(`/api/v1/nodes/${name}`);
  }

  async #pods(): Promise<readonly Body[]> {
    const { server } = this.#options;
    return must(await server.get(server.path("pods"))).body.items;
  }

  async #serve(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const pod of await this.#pods()) {
        const { uid, deletionTimestamp } = pod.metadata;
        if (deletionTimestamp !== undefined && this.#options.endsWhenDeleted(pod)) await this.#end(pod);
        if (this.#known.has(uid)) continue;
        this.#known.add(uid);
        this.#work.push(this.#live(pod));
      }
      await later(200, undefined, { signal }).catch(() => undefined);
    }
  }

  async #live(pod: Body): Promise<void> {
    const { signal } = this.#stop;
    for (const step of this.#options.stepsOf(pod)) {
      await later((step.afterMs ?? 0) / this.#options.speed, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const answer = await this.#take(pod, step);
      // Gone: its Job was deleted.
      if (answer === 404) return;
    }
  }

  async #take(pod: Body, { nodeName, status, events = [] }: PodStep): Promise<number> {
    const { server, onPhase } = this.#options;
    const path = server.path("pods", pod.metadata.name);
    if (nodeName !== undefined) {
      const target = { apiVersion: "v1", kind: "Node", name: nodeName };
      const { status: bound } = await server.post(`${path}/binding`, {
        metadata: { name: pod.metadata.name },
        target,
      });
      if (bound === 404) return bound;
    }
    for (const event of events) await this.#record(pod, event);
    if (status === undefined || typeof status === "function") return 200;
    if (typeof status["phase"] === "string") onPhase(pod, status["phase"]);
    const reply = await server.patch(`${path}/status`, { status });
    return reply.status === 404 ? 404 : must(reply).status;
  }

  async #record(pod: Body, { type = "Normal", reason, message }: PodEvent): Promise<void> {
    const { server, name: host } = this.#options;
    const { name, uid } = pod.metadata;
    must(
      await server.post(server.path("events"), {
        metadata: { generateName: `${name}.` },
        involvedObject: { apiVersion: "v1", kind: "Pod", name, uid, namespace: server.namespace },
        type,
        reason,
        message,
        count: 1,
        firstTimestamp: now(),
        lastTimestamp: now(),
        source: { component: "kubelet", host },
      }),
    );
  }

  async #end({ metadata: { name } }: Body): Promise<void> {
    const { server } = this.#options;
    await server.delete(server.path("pods", name), { gracePeriodSeconds: 0 });
  }
}

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");
