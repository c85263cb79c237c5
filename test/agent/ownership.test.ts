// Whose a Job is, which process of an agent acts on it, and who adopts what an agent that is gone has left.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Presence } from "../../src/agent/other-agents.ts";
import { Ownership } from "../../src/agent/ownership.ts";
import { systemClock } from "../../src/base/clock.ts";
import { AGENT_ANNOTATION } from "../../src/job/labels.ts";
import type { ObservedJob } from "../../src/job/observe/observed.ts";
import { ownerOf, ownerText } from "../../src/job/owner.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import type { AgentIdentity } from "../../src/orchestrator/agent-identity.ts";
import type { RunStatus } from "../../src/orchestrator/flow-run.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";

const REF = { namespace: "default", name: "prefect-job-1" };
const RUN = "00000000-0000-4000-8000-0000000000a1";
const DUE = ["a state"];
const US: AgentIdentity = { tenantId: "t1", name: "us", labels: ["k8s"] };

let fake: FakeKubernetes;
let kube: KubeApi;
let ticks: number;
/** How old the Jobs are. */
let agedMs: number;

beforeEach(async () => {
  ticks = 0;
  agedMs = 600_000;
  fake = await startFakeKubernetes({ controller: false });
  const readFile = (): string => fake.kubeconfig();
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  kube = (await connectKube({ kubeconfig: "/kubeconfig" }, deps)).kube;
});

afterEach(async () => {
  kube.close();
  await fake.stop();
});

/** A process of an agent; all other agents are as present as this. */
function ownershipOf(process: string, presence: Presence = "alive", identity = US): Ownership {
  const others = { presence: () => presence, presenceOfUnknown: () => presence };
  const kubeTime = { now: () => new Date(Date.now() + agedMs) };
  return new Ownership({ ...identity, process }, { kube, clock: { ticks: () => ticks }, kubeTime, others });
}

async function createJob(owner: AgentIdentity | undefined, process = "p1"): Promise<Job> {
  const containers = [{ name: "flow", image: "flow" }];
  const spec = { template: { spec: { restartPolicy: "Never", containers } } };
  const annotations = owner === undefined ? {} : { [AGENT_ANNOTATION]: ownerText({ ...owner, process }) };
  const metadata = { name: REF.name, annotations };
  await kube.create("jobs", { apiVersion: "batch/v1", kind: "Job", metadata, spec }, REF);
  return readJob();
}

async function readJob(): Promise<Job> {
  const job = await kube.get("jobs", REF);
  if (job === undefined) throw new Error("there is no Job");
  return job;
}

function observed(job: Job, gone = false): ObservedJob {
  return { job, pods: [], deletedPods: [], events: [], gone };
}

/** Asks until it may act; returns how many milliseconds that took. */
async function waitOf(ownership: Ownership, job: Job, gone = false): Promise<number> {
  const startedAt = ticks;
  for (;;) {
    const waitMs = await ownership.mayAct(observed(job, gone), DUE);
    if (waitMs === undefined) return ticks - startedAt;
    ticks += waitMs;
  }
}

function running(labels: readonly string[], agent?: AgentIdentity): RunStatus {
  return { kind: "known", state: { type: "running", name: "Running" }, labels, agent };
}

describe("a Job", () => {
  it.each([
    { of: "the same agent, in another process", owner: US, standing: "ours" },
    {
      of: "the same agent, its labels in another order",
      owner: { ...US, labels: ["k8s"] },
      standing: "ours",
    },
    { of: "an agent of another name", owner: { ...US, name: "them" }, standing: "others" },
    { of: "an agent with other labels", owner: { ...US, labels: ["gpu"] }, standing: "others" },
    { of: "the agent of that name in another tenant", owner: { ...US, tenantId: "t2" }, standing: "others" },
  ])("of $of is $standing", async ({ owner, standing }) => {
    const job = await createJob(owner);
    expect(await ownershipOf("p2").standing(observed(job), RUN, running(["k8s"]))).toBe(standing);
  });

  it.each([
    { agent: US, standing: "ours" },
    { agent: { ...US, name: "them" }, standing: "others" },
    { agent: undefined, standing: "others" },
  ])(
    "without an annotation belongs to the agent that submitted its run: $standing",
    async ({ agent, standing }) => {
      const job = await createJob(undefined);
      expect(await ownershipOf("p2").standing(observed(job), RUN, running(["k8s"], agent))).toBe(standing);
    },
  );

  const gone = { ...US, name: "them", labels: ["gpu"] };
  it.each([
    { case: "could have claimed the run", runLabels: ["k8s"], standing: "ours", owner: "us" },
    { case: "could not have claimed the run", runLabels: ["gpu"], standing: "others", owner: "them" },
  ])("of an agent that is gone is $standing for one that $case", async ({ runLabels, standing, owner }) => {
    const job = await createJob(gone);
    expect(await ownershipOf("p2", "gone").standing(observed(job), RUN, running(runLabels))).toBe(standing);
    expect(ownerOf((await readJob()).metadata)?.name).toBe(owner);
  });

  it("of an agent of the same name that is gone is adopted whatever the labels", async () => {
    const job = await createJob({ ...gone, name: "us" });
    expect(await ownershipOf("p2", "gone").standing(observed(job), RUN, running(["gpu"]))).toBe("ours");
  });

  it("is not taken from an agent that was taken for gone and has just made it", async () => {
    agedMs = 5_000;
    const job = await createJob({ ...US, name: "other" });
    expect(await ownershipOf("p2", "gone").standing(observed(job), RUN, running(["k8s"]))).toBe("others");
  });

  it("of an agent that has been gone for an hour is only reported by one that may not adopt it", async () => {
    const job = await createJob(gone);
    expect(await ownershipOf("p2", "long gone").standing(observed(job), RUN, running(["gpu"]))).toBe(
      "reportable",
    );
  });

  it("is adopted by only one of two agents", async () => {
    const job = await createJob(gone);
    const [one, two] = [ownershipOf("p2", "gone"), ownershipOf("p3", "gone", { ...US, name: "other" })];
    const run = running(["k8s"]);
    expect(await one.standing(observed(job), RUN, run)).toBe("ours");
    expect(await two.standing(observed(job), RUN, run)).toBe("others");
  });
});

describe("of the processes of an agent", () => {
  it("the one that created a Job acts on it at once, and knows that nobody else has reported it", async () => {
    const job = await createJob(US, "p1");
    expect(await waitOf(ownershipOf("p1"), job)).toBe(0);
    expect(ownershipOf("p1").isOwn(job)).toBe(true);
  });

  it("another takes the Job over after ten seconds, and remembers that it was not its own", async () => {
    const other = ownershipOf("p2");
    const job = await createJob(US, "p1");
    expect(await waitOf(other, job)).toBe(10_000);
    const taken = await readJob();
    expect(ownerOf(taken.metadata)?.process).toBe("p2");
    expect(other.isOwn(taken)).toBe(false);
    expect(await waitOf(other, taken)).toBe(0);
  });

  it("another remembers that also when the response to the takeover was lost", async () => {
    const other = ownershipOf("p2");
    const job = await createJob(US, "p1");
    await other.mayAct(observed(job), DUE);
    ticks += 10_000;
    fake.fault({ effect: { kind: "cut", when: "after" }, match: ({ verb }) => verb === "patch" });
    await expect(other.mayAct(observed(job), DUE)).rejects.toThrow("cannot");
    const taken = await readJob();
    expect(ownerOf(taken.metadata)?.process).toBe("p2");
    expect(other.isOwn(taken)).toBe(false);
  });

  it("keeps the Job while it does what is due: another waits anew for the rest", async () => {
    const other = ownershipOf("p2");
    const job = observed(await createJob(US, "p1"));
    expect(await other.mayAct(job, ["one line"])).toBe(10_000);
    ticks += 10_000;
    expect(other.wouldTakeOver(job, ["one line", "the next"])).toBe(true);
    expect(await other.mayAct(job, ["the next"])).toBe(10_000);
    ticks += 9_000;
    expect(await other.mayAct(job, ["the next", "one more"])).toBe(1_000);
    ticks += 1_000;
    expect(await other.mayAct(job, ["the next", "one more"])).toBeUndefined();
  });

  it("only one of two takes a Job over", async () => {
    const job = await createJob(US, "p1");
    const [two, three] = [ownershipOf("p2"), ownershipOf("p3")];
    await Promise.all([two.mayAct(observed(job), DUE), three.mayAct(observed(job), DUE)]);
    ticks += 10_000;
    expect(await two.mayAct(observed(job), DUE)).toBeUndefined();
    expect(await three.mayAct(observed(job), DUE)).toBeGreaterThan(0);
  });

  it("another reports a deleted Job ten to thirteen seconds later, so that two do not do it at once", async () => {
    const job = await createJob(US, "p1");
    const two = await waitOf(ownershipOf("p2"), job, true);
    const three = await waitOf(ownershipOf("p3"), job, true);
    for (const waitMs of [two, three]) expect(waitMs >= 10_000 && waitMs < 13_000).toBe(true);
    expect(two).not.toBe(three);
  });

  it("one without permission to patch Jobs acts all the same", async () => {
    const job = await createJob(US, "p1");
    fake.forbid({ verbs: ["patch"] });
    expect(await waitOf(ownershipOf("p2"), job)).toBe(10_000);
  });
});

it("a process forgets Jobs that no longer exist", async () => {
  const other = ownershipOf("p2");
  const job = await createJob(US, "p1");
  await waitOf(other, job);
  const taken = await readJob();
  other.keepOnly(new Set([job.metadata.uid]));
  expect(other.isOwn(taken)).toBe(false);
  other.keepOnly(new Set());
  // As if it had never been observed before.
  expect(other.isOwn(taken)).toBe(true);
});
