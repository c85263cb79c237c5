// A Job is known to have failed before its pod is: watches of Jobs and of pods are two.

import { describe, expect, it } from "vitest";
import type { ObservedJob } from "../../../src/job/observe/observed.ts";
import { failedPod, job, over, pod } from "../observed-jobs.ts";
import { actions, decisionsAt } from "./decisions.ts";
import type { Given } from "./decisions.ts";

const failed = job({}, { status: over("1.35", "failed") });
const unexplainedJob: Partial<ObservedJob> = { job: failed, pods: [pod()] };
const failedJob: Partial<ObservedJob> = { job: failed, pods: [failedPod()] };

describe("decide, where a failed Job's pod does not tell why", () => {
  it.each<{ name: string; given: Given; at: number[]; want: string[] }>([
    {
      name: "a failed Job whose pod is not seen to have ended waits a moment for the reason",
      given: { jobs: [unexplainedJob] },
      at: [60.5, 61.5, 62],
      want: ["", "", "ERROR, fail, remove 1"],
    },
    {
      name: "a failed Job without any pod waits a moment for it",
      given: { jobs: [{ ...unexplainedJob, pods: [] }] },
      at: [60.5, 61.9, 62],
      want: ["", "", "ERROR, fail, remove 1"],
    },
    {
      name: "a failed Job of long ago waits for nothing",
      given: { jobs: [unexplainedJob] },
      at: [600],
      want: ["ERROR, fail, remove 1"],
    },
    {
      name: "a failed Job of a cluster whose clock is a minute ahead waits no longer than others",
      given: { jobs: [unexplainedJob] },
      at: [0, 1.9, 2],
      want: ["", "", "ERROR, fail, remove 1"],
    },
  ])("$name", ({ given, at: moments, want }) => {
    expect(decisionsAt(moments, () => given).map(actions)).toEqual(want);
  });

  it("waits no longer when our clock is set back meanwhile", () => {
    const decisions = decisionsAt([60.5, -3_000, -2_998], () => ({ jobs: [unexplainedJob] }));
    expect(decisions.map(actions)).toEqual(["", "", "ERROR, fail, remove 1"]);
  });

  it("tells why a Job failed as soon as that is known", () => {
    const given = (moment: number): Given => ({ jobs: [moment < 61 ? unexplainedJob : failedJob] });
    expect(decisionsAt([60.5, 61], given).map(actions)).toEqual(["", "ERROR, fail, remove 1"]);
  });
});
