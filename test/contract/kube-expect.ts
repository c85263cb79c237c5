// What the parts of the contract share: the simplest object, and how a refusal and a list are read.

import type { KubeServer, Reply } from "../fakes/kubernetes/tests/kube-request.ts";

/** The server, once the contract has connected. */
export type Server = () => KubeServer;

/** A config map's body; the simplest object there is. */
export function configMap(name: string, labels: Record<string, string> = {}, more: object = {}): object {
  return { metadata: { name, labels, ...more }, data: { key: "value" } };
}

/** What a refusal matches: this code, and a Status with code and reason. */
export function refusal(code: number, reason: string): object {
  return { status: code, body: { kind: "Status", apiVersion: "v1", status: "Failure", reason, code } };
}

/** The names of a list's items. */
export function namesIn(reply: Reply): string[] {
  return reply.body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
}
