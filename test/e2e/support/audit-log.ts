// The API server's audit log, if E2E_AUDIT_LOG names it: which requests it received.

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly user?: { readonly username?: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** A request: verb, group, resource with subresource, namespace and status code. */
export interface AuditedCall {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly code: number;
}

/** The log's current size, from which `auditedCalls` can read; undefined without an audit log. */
export function auditPosition(): number | undefined {
  const file = process.env["E2E_AUDIT_LOG"];
  return file ? statSync(file).size : undefined;
}

/** The user's requests since this position. */
export async function auditedCalls(user: string, since: number): Promise<readonly AuditedCall[]> {
  const calls: AuditedCall[] = [];
  for await (const line of linesSince(since)) {
    if (!line.includes(user)) continue;
    const event = parsed(line);
    if (event?.user?.username === user) calls.push(callOf(event));
  }
  return calls;
}

/** Our program's requests since this position that were answered 401: the server knows no user of theirs. */
export async function refusedCalls(since: number): Promise<readonly AuditedCall[]> {
  const calls: AuditedCall[] = [];
  for await (const line of linesSince(since)) {
    const event = line.includes(":401") ? parsed(line) : undefined;
    const isOurs = event?.userAgent?.startsWith("kubectl-prefect") === true;
    if (event !== undefined && isOurs && event.responseStatus?.code === 401) calls.push(callOf(event));
  }
  return calls;
}

function linesSince(position: number): AsyncIterable<string> {
  const input = createReadStream(process.env["E2E_AUDIT_LOG"] ?? "", { start: position });
  return createInterface({ input });
}

/** How many Jobs were created in a namespace; undefined without an audit log. */
export function auditedCreations(namespace: string): number | undefined {
  const file = process.env["E2E_AUDIT_LOG"];
  if (!file) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line.includes(namespace) && isCreation(line, namespace)).length;
}

function callOf({ verb, objectRef, responseStatus }: AuditEvent): AuditedCall {
  const { resource = "", subresource, namespace = "", apiGroup = "" } = objectRef ?? {};
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return { verb, group: apiGroup, resource: name, namespace, code: responseStatus?.code ?? 0 };
}

function isCreation(line: string, namespace: string): boolean {
  const { verb, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
  const isJob = objectRef?.resource === "jobs" && objectRef.namespace === namespace;
  return verb === "create" && isJob && responseStatus?.code === 201;
}

/** Undefined for a line that is only partly written. */
function parsed(line: string): AuditEvent | undefined {
  try {
    return JSON.parse(line) as AuditEvent;
  } catch {
    return undefined;
  }
}
