// Which Job an active state belongs to: the decision about a Job that failed is made by it.

import { describe, expect, it } from "vitest";
import { LastLaunch } from "../../../src/agent/supervise/last-launch.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { decide } from "../../../src/job/decide/decide.ts";
import type { Decision } from "../../../src/job/decide/types.ts";
import type { Job, Pod } from "../../../src/kube/client/objects.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import type { LastClaim, MessageQuery } from "../../../src/orchestrator/run-reporter.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { known } from "../../job/decide/decisions.ts";
import { at, failedPod, job, observedJob, observedRun, over, pod } from "../../job/observed-jobs.ts";

const HERE = { namespace: "flows", namespaceUid: "here" };
const ELSEWHERE = { namespace: "flows", namespaceUid: "elsewhere" };

interface Given {
  readonly run: RunStatus;
  readonly job?: Job;
  readonly pods?: readonly Pod[];
  /** The lines of the run's log. */
  readonly log?: readonly string[];
  /** The run's latest claim, by Prefect's clock. */
  readonly launched?: undefined | { readonly place: LastClaim["claim"]["place"]; readonly seconds: number };
  /** How far Kubernetes' clock is ahead of Prefect's. */
  readonly aheadSeconds?: number | undefined;
}

/** The decision about a run whose only Job here failed at 60 s, and how often Prefect was asked for claims. */
async function decisionOf(given: Given): Promise<{ readonly decision: Decision; readonly asked: number }> {
  const { run, job: own = failed(), pods = [failedPod()], log = [], launched, aheadSeconds = 0 } = given;
  let asked = 0;
  const claims = (ids: readonly string[]): ReadonlyMap<string, LastClaim> => {
    asked++;
    if (launched === undefined) return new Map();
    const agent = { name: "agent", labels: [] };
    const claim = { id: "c", place: launched.place, identifiers: ["ffffffff"], agent, process: "p" };
    return new Map(ids.map((id) => [id, { claim, at: at(launched.seconds), heartbeatAt: undefined }]));
  };
  const deps = {
    clock: new VirtualClock(),
    kubeTime: { now: () => at(100 + aheadSeconds) },
    prefectTime: { now: () => at(100) },
    settings: { place: HERE },
    runs: {
      lastClaims: (ids: readonly string[]) => Promise.resolve(claims(ids)),
      messages: (_: string, { containing: texts = [] }: MessageQuery) =>
        Promise.resolve(log.filter((line) => texts.some((text) => line.includes(text)))),
    },
  } as unknown as ConstructorParameters<typeof LastLaunch>[0];
  const observed = observedRun(observedJob({ job: own, pods }));
  const decideBy = (judged: RunStatus): Decision =>
    decide({
      observed,
      run: judged,
      policy: { ...DEFAULT_POLICY, exitGraceMs: 0 },
      place: HERE,
      now: at(100),
      firstObserved: new Map(),
    });
  return { decision: await new LastLaunch(deps).decide(run, observed, decideBy), asked };
}

function failed(status = over("1.35", "failed")): Job {
  return job({}, { status });
}

function submitted(identifier: string): RunStatus {
  const claim: JsonObject = { id: "c", place: HERE, identifier };
  return known("Submitted", { context: { kubectl_prefect: claim } });
}

describe("a Submitted run whose Job failed", () => {
  const adopted =
    "Submitted again: adopted by Job prefect-job-a, which is still active (in place of ...-cccccccc)";

  it.each([
    { name: "the claim names it", run: submitted("aaaaaaaa"), log: [], want: "fail" },
    { name: "the claim has adopted it", run: submitted("cccccccc"), log: [adopted], want: "fail" },
    { name: "the claim names another Job", run: submitted("cccccccc"), log: [], want: undefined },
    {
      name: "another claim has adopted it",
      run: submitted("cccccccc"),
      log: [adopted.replace("cccccccc", "dddddddd")],
      want: undefined,
    },
  ])("gets $want, if $name", async ({ run, log, want }) => {
    expect((await decisionOf({ run, log })).decision.transition?.kind).toBe(want);
  });

  it("is not taken for one whose claim has adopted a Job that completed", async () => {
    const run = submitted("cccccccc");
    const completed = failed(over("1.35", "succeeded"));
    const { decision } = await decisionOf({ run, job: completed, pods: [], log: [adopted] });
    expect(decision.logs.filter(({ message }) => message.includes("completed with exit code 0"))).toEqual([]);
  });
});

describe("a Running run whose Job failed", () => {
  it.each([
    { name: "it was never launched by such an agent", want: "fail" },
    { name: "it was launched here", launched: { place: HERE, seconds: 50 }, want: "fail" },
    {
      name: "it was launched elsewhere since",
      launched: { place: ELSEWHERE, seconds: 50 },
      want: undefined,
    },
    {
      name: "it was launched elsewhere before",
      launched: { place: ELSEWHERE, seconds: -50 },
      want: "fail",
    },
    {
      name: "it was launched elsewhere before, by a clock that is behind Kubernetes'",
      launched: { place: ELSEWHERE, seconds: -50 },
      aheadSeconds: 60,
      want: undefined,
    },
  ])("gets $want, if $name", async ({ launched, aheadSeconds, want }) => {
    const given = { run: known("Running"), launched, aheadSeconds };
    expect((await decisionOf(given)).decision.transition?.kind).toBe(want);
  });

  it("costs no request while nothing is to end", async () => {
    const { decision, asked } = await decisionOf({ run: known("Running"), job: job(), pods: [pod()] });
    expect([decision.transition, asked]).toEqual([undefined, 0]);
  });
});
