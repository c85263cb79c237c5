// A fake for one test, and requests to it.

import { onTestFinished } from "vitest";
import { CERTIFICATE } from "../../certificate.ts";
import { startFakeKubernetes } from "../fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../fake-kubernetes.ts";
import { KubeServer } from "./kube-request.ts";

/** Starts a fake that stops with the test. Requests work in the namespace `default`. */
export async function withFake(
  options: FakeKubernetesOptions = {},
): Promise<{ fake: FakeKubernetes; kube: KubeServer }> {
  const fake = await startFakeKubernetes(options);
  onTestFinished(() => fake.stop());
  return { fake, kube: as(fake) };
}

/** Requests to a fake with these headers. */
export function as(fake: FakeKubernetes, headers: Record<string, string> = {}): KubeServer {
  return new KubeServer({ url: fake.url, ca: CERTIFICATE, headers, namespace: "default" });
}

/** A Job's body with one container. */
export function jobBody(name: string, spec: object = {}, podSpec: object = {}): object {
  const template = {
    spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }], ...podSpec },
  };
  return { metadata: { name, labels: { app: name } }, spec: { backoffLimit: 0, template, ...spec } };
}
