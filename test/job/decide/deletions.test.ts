// Deletions that must be checked once more, because what they are based on may be old.

import { expect, it } from "vitest";
import { failedPod, job, over, pod, running } from "../observed-jobs.ts";
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
