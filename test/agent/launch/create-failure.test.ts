// What the API server's refusal of a Job means, by the answers of real API servers of two versions, and by those that could
// not be provoked.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createFailure, MAX_JOB_BYTES } from "../../../src/agent/launch/create-failure.ts";
import type { CreateFailure } from "../../../src/agent/launch/create-failure.ts";
import { connectionError, kubeErrorOf, KubeError } from "../../../src/kube/client/errors.ts";
import { TransportError } from "../../../src/http/errors.ts";

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Recorded with a Job of 1.6 MiB and one of 3.2 MiB; all others are small. */
const RECORDED = JSON.parse(
  readFileSync(new URL("../../golden/kubernetes/create-refusals.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, Answer>>>>;

const WANT: Readonly<Record<string, CreateFailure>> = {
  "a webhook that denies": "run",
  "a webhook that denies with 422": "run",
  "a webhook that denies with 404": "run",
  "a webhook that denies with 503, about a quota": "run",
  "a webhook that denies without words": "run",
  "an admission policy that denies": "run",
  "a full quota": "quota",
  "a Job over 1.5 MiB": "run",
  "a Job over 3 MiB": "run",
  "a webhook that refuses connections": "passing",
  "a webhook without a Service": "passing",
  "a webhook that fails": "passing",
  "a webhook that hangs": "passing",
  "a webhook with a wrong certificate": "passing",
  "a wrong token": "agent",
  "a missing namespace": "agent",
  "an API that the server does not have": "agent",
  "no permission to create Jobs": "agent",
  "no permission to impersonate": "agent",
  "a namespace that is being deleted": "agent",
  "an invalid restart policy": "run",
  "an invalid label": "run",
  "an invalid name": "run",
  "a field of the wrong type": "run",
  "an object of another kind": "run",
  "no JSON": "run",
};

const SMALL = 2_000;
const SIZES: Readonly<Record<string, number>> = {
  "a Job over 1.5 MiB": 1_600_000,
  "a Job over 3 MiB": 3_200_000,
};

function errorOf({ status, body }: Answer): KubeError {
  return kubeErrorOf("create Job", { status, headers: {}, body: JSON.stringify(body) });
}

describe.each(Object.keys(RECORDED))("Kubernetes %s", (version) => {
  it.each(Object.entries(RECORDED[version] ?? {}))("answers to %s", (name, answer) => {
    expect(createFailure(errorOf(answer), SIZES[name] ?? SMALL)).toBe(WANT[name]);
  });
});

describe("an answer that was not recorded", () => {
  const status = (
    code: number,
    message: string,
    more: { reason?: string; details?: object } = {},
  ): Answer => ({
    status: code,
    body: { kind: "Status", message, ...more, code },
  });
  const job = { name: "prefect-job-1", group: "batch", kind: "jobs" };

  it.each<{ name: string; answer: Answer; bytes?: number; want: CreateFailure }>([
    {
      name: "a quota whose use was not counted yet",
      answer: status(403, 'jobs.batch "a" is forbidden: status unknown for quota: jobs', {
        reason: "Forbidden",
        details: job,
      }),
      want: "quota",
    },
    {
      name: "a quota that many Jobs at once have changed",
      answer: status(
        409,
        'Operation cannot be fulfilled on resourcequotas "jobs": the object has been modified; please apply your changes to the latest version and try again',
        { reason: "Conflict", details: { name: "jobs", kind: "resourcequotas" } },
      ),
      want: "passing",
    },
    {
      name: "an API server that has just started",
      answer: status(403, 'jobs.batch "a" is forbidden: not yet ready to handle request', {
        reason: "Forbidden",
        details: job,
      }),
      want: "passing",
    },
    {
      name: "caches of OpenShift's API server that are not filled yet",
      answer: status(403, 'jobs.batch "a" is forbidden: default-a: caches not synchronized', {
        reason: "Forbidden",
        details: job,
      }),
      want: "passing",
    },
    {
      name: "too many requests",
      answer: status(429, "too many requests", { reason: "TooManyRequests" }),
      want: "passing",
    },
    {
      name: "etcd without a leader",
      answer: status(500, "etcdserver: no leader", { reason: "InternalError" }),
      want: "passing",
    },
    {
      name: "etcd's limit",
      answer: status(500, "etcdserver: request is too large", { reason: "InternalError" }),
      want: "run",
    },
    {
      name: "gRPC's limit",
      answer: status(
        500,
        "rpc error: code = ResourceExhausted desc = trying to send message larger than max",
      ),
      want: "run",
    },
    {
      name: "500 for a Job over 1.5 MiB, whatever the words",
      answer: status(500, "Internal error occurred"),
      bytes: MAX_JOB_BYTES + 1,
      want: "run",
    },
    {
      name: "500 for a Job of 1.5 MiB",
      answer: status(500, "Internal error occurred"),
      bytes: MAX_JOB_BYTES,
      want: "passing",
    },
    {
      name: "503 for a Job over 1.5 MiB: the server is away",
      answer: status(503, "apiserver is shutting down"),
      bytes: MAX_JOB_BYTES + 1,
      want: "passing",
    },
    {
      name: "a timeout of the server",
      answer: status(504, "request did not complete", { reason: "Timeout" }),
      want: "passing",
    },
    {
      name: "an admission plugin that forbids the Job",
      answer: status(403, 'jobs.batch "a" is forbidden: no suspended Jobs here', {
        reason: "Forbidden",
        details: job,
      }),
      want: "run",
    },
    {
      name: "a webhook that denies, and speaks of another webhook",
      answer: status(400, 'admission webhook "v" denied the request: failed calling webhook "w"'),
      want: "run",
    },
    {
      name: "405",
      answer: status(405, "the server does not allow this method", { reason: "MethodNotAllowed" }),
      want: "run",
    },
  ])("$name: $want", ({ answer, bytes = SMALL, want }) => {
    expect(createFailure(errorOf(answer), bytes)).toBe(want);
  });

  it.each<{ name: string; code: number; body: string; want: CreateFailure }>([
    { name: "a proxy's page", code: 403, body: "<html>Sign in</html>", want: "passing" },
    { name: "a proxy's words", code: 404, body: "default backend - 404", want: "passing" },
    { name: "a load balancer without a server", code: 502, body: "Bad Gateway", want: "passing" },
  ])("$name, which is no answer of Kubernetes: $want", ({ code, body, want }) => {
    const error = kubeErrorOf("create Job", { status: code, headers: {}, body });
    expect(createFailure(error, SMALL)).toBe(want);
  });

  it.each<{ code: string; want: CreateFailure }>([
    { code: "ECONNREFUSED", want: "passing" },
    { code: "CERT_HAS_EXPIRED", want: "agent" },
  ])("a connection that fails with $code: $want", ({ code, want }) => {
    const failed = connectionError("create Job", "https://kube:6443", new TransportError("failed", { code }));
    expect(failed).toBeInstanceOf(KubeError);
    expect(createFailure(failed as KubeError, SMALL)).toBe(want);
  });
});
