// A Job is known to have failed before its pod, since Jobs and pods have separate watches.

import { describe, expect, it } from "vitest";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { failedPod, job, over, pod } from "../observed-jobs.ts";
import { actions, decisionsAt } from "./decisions.ts";
import type { Given } from "./decisions.ts";

const failed = job({}, { status: over("1.35", "failed") });
const jobWithUnknownCause: Partial<ObservedJob> = { job: failed, pods: [pod()] };
const failedJob: Partial<ObservedJob> = { job: failed, pods: [failedPod()] };

describe("decide, when the cause of a Job's failure is unknown", () => {
  it.each<{ name: string; given: Given; at: number[]; want: string[] }>([
    {
      name: "waits for the termination of the pod of a failed Job",
      given: { jobs: [jobWithUnknownCause] },
      at: [60.5, 61.5, 62],
      want: ["", "", "ERROR, fail, delete 1"],
    },
    {
      name: "waits for the pod of a failed Job without pods",
      given: { jobs: [{ ...jobWithUnknownCause, pods: [] }] },
      at: [60.5, 61.9, 62],
      want: ["", "", "ERROR, fail, delete 1"],
    },
    {
      name: "does not wait if the Job failed long ago",
      given: { jobs: [jobWithUnknownCause] },
      at: [600],
      want: ["ERROR, fail, delete 1"],
    },
    {
      name: "waits no longer if the cluster's clock is a minute ahead",
      given: { jobs: [jobWithUnknownCause] },
      at: [0, 1.9, 2],
      want: ["", "", "ERROR, fail, delete 1"],
    },
  ])("$name", ({ given, at: moments, want }) => {
    expect(decisionsAt(moments, () => given).map(actions)).toEqual(want);
  });

  it("waits no longer if our clock is set back meanwhile", () => {
    const decisions = decisionsAt([60.5, -3_000, -2_998], () => ({ jobs: [jobWithUnknownCause] }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, delete 1"]);
  });

  it("reports the failure as soon as its cause is known", () => {
    const given = (moment: number): Given => ({ jobs: [moment < 61 ? jobWithUnknownCause : failedJob] });
    expect(decisionsAt([60.5, 61], given).map(actions)).toEqual(["", "ERROR, fail, delete 1"]);
  });
});
