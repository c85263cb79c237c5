// Helpers of the contract's parts.

import type { KubeServer, Reply } from "../fakes/kubernetes/tests/kube-request.ts";

/** Returns the server, once the contract has connected. */
export type Server = () => KubeServer;

/** The body of a ConfigMap. */
export function configMap(name: string, labels: Record<string, string> = {}, more: object = {}): object {
  return { metadata: { name, labels, ...more }, data: { key: "value" } };
}

/** Matches an error response: this status code, and a Status with code and reason. */
export function refusal(code: number, reason: string): object {
  return { status: code, body: { kind: "Status", apiVersion: "v1", status: "Failure", reason, code } };
}

/** The names of the items of a list response. */
export function namesIn(reply: Reply): string[] {
  return reply.body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
}
