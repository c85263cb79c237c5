import { describe, expect, it } from "vitest";
import type { Job, JobSpec, JobStatus, Pod } from "../../../../src/kube/client/objects.ts";
import { planJob, TRACKING } from "../job-plan.ts";

const NOW = new Date("2026-11-21T08:00:10Z");

function aJob(spec: JobSpec & { podReplacementPolicy?: string }, status: JobStatus = {}): Job {
  const metadata = { name: "a", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" };
  return { metadata, spec: { parallelism: 1, completions: 1, backoffLimit: 0, ...spec }, status };
}

function aPod(phase: string, meta: Partial<Pod["metadata"]> = {}): Pod {
  const metadata = { name: "p", namespace: "default", uid: "p", resourceVersion: "1", creationTimestamp: "" };
  return { metadata: { ...metadata, finalizers: [TRACKING], ...meta }, spec: {}, status: { phase } };
}

const leaving = { deletionTimestamp: "2026-11-21T08:00:00Z" };
const counted = { finalizers: [] };

describe("planJob", () => {
  it.each([
    ["a new Job", aJob({}), [], { missing: 1, active: 0 }],
    ["a Job with its pod", aJob({}), [aPod("Running")], { missing: 0, active: 1 }],
    ["a suspended Job", aJob({ suspend: true }), [aPod("Running")], { missing: 0, surplus: [{}] }],
    [
      "a succeeded pod",
      aJob({}),
      [aPod("Succeeded")],
      { succeeded: 1, missing: 0, decision: { succeeded: true } },
    ],
    [
      "a pod counted before",
      aJob({}, { succeeded: 1 }),
      [aPod("Succeeded", counted)],
      { succeeded: 1, missing: 0 },
    ],
    ["a failed pod", aJob({}), [aPod("Failed")], { failed: 1, decision: { reason: "BackoffLimitExceeded" } }],
    [
      "a failed pod within the limit",
      aJob({ backoffLimit: 1 }),
      [aPod("Failed")],
      { failed: 1, missing: 1, decision: undefined },
    ],
    [
      "a pod on its way out",
      aJob({ backoffLimit: 1 }),
      [aPod("Running", leaving)],
      { failed: 1, terminating: 1, missing: 1 },
    ],
    [
      "a pod on its way out, whose end is to be waited for",
      aJob({ backoffLimit: 1, podReplacementPolicy: "Failed" }),
      [aPod("Running", leaving)],
      { failed: 0, terminating: 1, missing: 0 },
    ],
    ["a Job of several pods", aJob({ parallelism: 2, completions: 3 }), [], { missing: 2 }],
    [
      "a deadline that has passed",
      aJob({ activeDeadlineSeconds: 5 }, { startTime: "2026-11-21T08:00:00Z" }),
      [aPod("Running")],
      { decision: { reason: "DeadlineExceeded" }, surplus: [{}], deadlineMs: -5_000 },
    ],
    [
      "a deadline to come",
      aJob({ activeDeadlineSeconds: 60 }, { startTime: "2026-11-21T08:00:00Z" }),
      [aPod("Running")],
      { decision: undefined, surplus: [], deadlineMs: 50_000 },
    ],
    [
      "an end that is decided",
      aJob({ backoffLimit: 9 }, { conditions: [{ type: "FailureTarget", status: "True", reason: "Why" }] }),
      [],
      { missing: 0, decision: { succeeded: false, reason: "Why" } },
    ],
  ])("plans for %s", (...[, job, pods, plan]) => {
    expect(planJob({ job, pods, now: NOW })).toMatchObject(plan);
  });

  it("keeps the reason that this pass has decided", () => {
    const decided = { succeeded: false, reason: "DeadlineExceeded", message: "" };
    const view = { job: aJob({}), pods: [aPod("Running", leaving)], now: NOW, decided };
    expect(planJob(view).decision).toBe(decided);
  });
});
