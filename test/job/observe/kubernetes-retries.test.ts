import { describe, expect, it } from "vitest";
import {
  createsAnotherPod,
  replacesDisrupted,
  restartsContainer,
} from "../../../src/job/observe/kubernetes-retries.ts";
import type { JobSpec } from "../../../src/kube/client/objects.ts";
import { condition, ended, failedPod, job, pod } from "../observed-jobs.ts";

const POLICY: JobSpec["podFailurePolicy"] = {
  rules: [
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] },
    { action: "FailJob", onExitCodes: { containerName: "flow", operator: "In", values: [42] } },
    { action: "Ignore", onExitCodes: { operator: "NotIn", values: [1, 2] } },
  ],
};
const drained = pod({
  status: {
    phase: "Failed",
    conditions: [condition("DisruptionTarget", "EvictionByEvictionAPI")],
    containerStatuses: [ended("flow", 143)],
  },
});

describe("replacesDisrupted", () => {
  it.each([
    { name: "no backoffLimit", spec: { backoffLimit: 0 }, failed: 0, want: false },
    {
      name: "a backoffLimit that this loss does not use up",
      spec: { backoffLimit: 1 },
      failed: 0,
      want: true,
    },
    { name: "a backoffLimit that is used up already", spec: { backoffLimit: 1 }, failed: 1, want: false },
    {
      name: "a policy that ignores disruptions",
      spec: { backoffLimit: 0, podFailurePolicy: POLICY },
      failed: 3,
      want: true,
    },
  ])("is $want with $name", ({ spec, failed, want }) => {
    expect(replacesDisrupted(job({}, { spec, status: { failed } }), pod())).toBe(want);
  });
});

describe("createsAnotherPod", () => {
  it.each([
    { name: "a backoffLimit of 0", spec: { backoffLimit: 0 }, pods: [failedPod()], want: false },
    {
      name: "a backoffLimit that is not used up",
      spec: { backoffLimit: 2 },
      pods: [failedPod(), failedPod()],
      want: true,
    },
    {
      name: "a backoffLimit that is used up",
      spec: { backoffLimit: 2 },
      pods: [failedPod(), failedPod(), failedPod()],
      want: false,
    },
    {
      name: "a backoffLimit that ignored disruptions do not use up",
      spec: { backoffLimit: 1, podFailurePolicy: POLICY },
      pods: [drained, drained, failedPod(1)],
      want: true,
    },
    {
      name: "a policy that ignores disruptions",
      spec: { backoffLimit: 0, podFailurePolicy: POLICY },
      pods: [drained],
      want: true,
    },
    {
      name: "a policy that fails the Job, whatever the backoffLimit",
      spec: { backoffLimit: 6, podFailurePolicy: POLICY },
      pods: [failedPod(42)],
      want: false,
    },
    {
      name: "a policy whose rule names all other exit codes",
      spec: { backoffLimit: 0, podFailurePolicy: POLICY },
      pods: [failedPod(7)],
      want: true,
    },
    {
      name: "a policy without a rule for this end",
      spec: { backoffLimit: 0, podFailurePolicy: POLICY },
      pods: [failedPod(2)],
      want: false,
    },
  ])("is $want with $name", ({ spec, pods, want }) => {
    expect(createsAnotherPod(job({}, { spec }), pods)).toBe(want);
  });
});

describe("restartsContainer", () => {
  const restarting = pod({ spec: { restartPolicy: "OnFailure" } });
  const own = { annotations: { "prefect.io/own-retries": "true" } };

  it.each([
    { name: "the API server's default", meta: {}, spec: { backoffLimit: 6 }, of: restarting, want: false },
    {
      name: "the same number set by the template",
      meta: own,
      spec: { backoffLimit: 6 },
      of: restarting,
      want: true,
    },
    { name: "another number", meta: {}, spec: { backoffLimit: 3 }, of: restarting, want: true },
    { name: "0", meta: own, spec: { backoffLimit: 0 }, of: restarting, want: false },
    { name: "restartPolicy Never", meta: {}, spec: { backoffLimit: 3 }, of: pod(), want: false },
  ])("is $want with $name", ({ meta, spec, of, want }) => {
    expect(restartsContainer(job(meta, { spec }), of)).toBe(want);
  });
});
