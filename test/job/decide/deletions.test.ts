// Deletions that must be checked once more, because what they are based on may be old.

import { describe, expect, it } from "vitest";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { failedPod, job, over, pod, running, waiting } from "../observed-jobs.ts";
import { decisionOf, known } from "./decisions.ts";

const failed = job({}, { status: over("1.35", "failed") });
const runningPod = pod({ status: { phase: "Running", containerStatuses: [running("flow")] } });

it.each([
  { name: "a Job that has failed with its pod", jobs: [{ job: failed, pods: [failedPod()] }], want: false },
  { name: "a Job whose pod has failed before it", jobs: [{ pods: [failedPod()] }], want: true },
  {
    name: "a Job that is seen to fail before its pod is",
    jobs: [{ job: failed, pods: [runningPod] }],
    want: true,
  },
])("of $name: is active: $want", ({ jobs, want }) => {
  const policy = { cancelGraceMs: 0, deleteFailedAfterMs: 0 };
  const { deletions } = decisionOf({ jobs, run: known("Cancelled"), policy });
  expect(deletions).toMatchObject([{ isActive: want }]);
});

describe("a Job whose run was launched again while nobody kept the Job alive", () => {
  const claimedIn = (namespace: string, identifier = "bbbbbbbb"): RunStatus => {
    const claim = { id: "1", identifier, place: { namespace }, agent: { name: "x", labels: [] } };
    return known("Submitted", { context: { kubectl_prefect: claim } });
  };
  const place = { namespace: "default" };
  const statuses = [waiting("flow", "ContainerCreating")];
  const pending = pod({ status: { phase: "Pending", containerStatuses: statuses } });

  it.each([
    { name: "elsewhere", run: claimedIn("other"), want: [{ status: "orphaned", isActive: true }] },
    { name: "here, where the agent has seen this Job", run: claimedIn("default"), want: [] },
    { name: "by this Job's own claim", run: claimedIn("other", "aaaaaaaa"), want: [] },
    { name: "by an agent that notes no claim", run: known("Submitted"), want: [] },
    { name: "elsewhere, and runs there", run: known("Running"), want: [] },
  ])("is deleted before its flow starts: launched $name", ({ run, want }) => {
    const { deletions } = decisionOf({ jobs: [{ pods: [pending] }], run, place });
    expect(deletions).toMatchObject(want);
  });

  const newer = { job: job({ name: "newer", uid: "newer", creationTimestamp: "2030-01-01T00:00:00Z" }) };

  it.each([
    { name: "for which the claim made a newer Job", run: claimedIn("default"), want: 1 },
    { name: "whose newer Job has started", run: known("Running"), want: 1 },
    { name: "that the newer Job's end is told of", run: known("Success"), want: 0 },
    { name: "that Prefect cannot be asked about", run: { kind: "unknown" as const }, want: 0 },
  ])("is deleted beside a newer Job of a run $name: $want", ({ run, want }) => {
    const { deletions } = decisionOf({ jobs: [{ pods: [pending] }, newer], run, place });
    expect(deletions).toHaveLength(want);
  });

  it("is not deleted beside a newer Job that is over", () => {
    const over = { ...newer, job: { ...newer.job, status: failed.status } };
    const { deletions } = decisionOf({ jobs: [{ pods: [pending] }, over], run: claimedIn("default"), place });
    expect(deletions).toEqual([]);
  });

  it("is not deleted once its flow has started", () => {
    const jobs = [{ pods: [runningPod] }];
    expect(decisionOf({ jobs, run: claimedIn("other"), place }).deletions).toEqual([]);
  });
});
