// A namespace for one test file.

import { randomBytes } from "node:crypto";
import { vi } from "vitest";
import { kubectl, mustKubectl } from "./kubectl.ts";

/** Makes a namespace in which pods can start. */
export async function createNamespace(what: string): Promise<string> {
  const namespace = `${what}-${randomBytes(4).toString("hex")}`;
  mustKubectl(["create", "namespace", namespace]);
  // Pods are refused until the controller has made their service account.
  await vi.waitUntil(() => kubectl(["get", "serviceaccount", "default", "-n", namespace]).code === 0, {
    timeout: 30_000,
    interval: 200,
  });
  return namespace;
}

/** Removes it with all that is in it; its pods are not waited for. */
export function removeNamespace(namespace: string): void {
  mustKubectl(["delete", "namespace", namespace, "--wait=false"]);
}
