// The API server's own account of what was asked of it, where the cluster keeps one: E2E_AUDIT_LOG names the file.

import { readFileSync } from "node:fs";

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** How many Jobs were created in a namespace; undefined where there is no audit log. */
export function auditedCreations(namespace: string): number | undefined {
  const file = process.env["E2E_AUDIT_LOG"];
  if (!file) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line.includes(namespace) && isCreation(line, namespace)).length;
}

function isCreation(line: string, namespace: string): boolean {
  const { verb, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
  const isJob = objectRef?.resource === "jobs" && objectRef.namespace === namespace;
  return verb === "create" && isJob && responseStatus?.code === 201;
}
