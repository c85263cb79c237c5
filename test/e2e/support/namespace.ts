// A namespace for one test file.

import { randomBytes } from "node:crypto";
import { vi } from "vitest";
import { kubectl, mustKubectl } from "./kubectl.ts";

/** Creates a namespace in which pods can start. */
export async function createNamespace(what: string): Promise<string> {
  const namespace = `${what}-${randomBytes(4).toString("hex")}`;
  mustKubectl(["create", "namespace", namespace]);
  // Pods are rejected until the controller has created the ServiceAccount `default`.
  await vi.waitUntil(() => kubectl(["get", "serviceaccount", "default", "-n", namespace]).code === 0, {
    timeout: 30_000,
    interval: 200,
  });
  return namespace;
}

/** Deletes the namespace without waiting. */
export function removeNamespace(namespace: string): void {
  mustKubectl(["delete", "namespace", namespace, "--wait=false"]);
}
