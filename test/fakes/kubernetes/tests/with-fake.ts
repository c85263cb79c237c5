// A stand-in for one test, and requests to it.

import { onTestFinished } from "vitest";
import { startKubeStandin } from "../fake-kubernetes.ts";
import type { KubeStandin, KubeStandinOptions } from "../fake-kubernetes.ts";
import { KubeServer } from "./kube-request.ts";

/** Starts a stand-in that stops with the test. Requests work in the namespace `default`. */
export async function withStandin(
  options: KubeStandinOptions = {},
): Promise<{ standin: KubeStandin; kube: KubeServer }> {
  const standin = await startKubeStandin(options);
  onTestFinished(() => standin.stop());
  return { standin, kube: as(standin) };
}

/** Requests to a stand-in with these headers. */
export function as(standin: KubeStandin, headers: Record<string, string> = {}): KubeServer {
  return new KubeServer({ url: standin.url, headers, namespace: "default" });
}

/** A Job's body with one container. */
export function jobBody(name: string, spec: object = {}, podSpec: object = {}): object {
  const template = {
    spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }], ...podSpec },
  };
  return { metadata: { name, labels: { app: name } }, spec: { backoffLimit: 0, template, ...spec } };
}
