// Which agent process reports a Job, and how another takes it over.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ownership } from "../../../src/agent/supervise/ownership.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { OWNER_ANNOTATION } from "../../../src/job/labels.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";

const REF = { namespace: "default", name: "prefect-job-1" };

let fake: FakeKubernetes;
let kube: KubeApi;

beforeEach(async () => {
  fake = await startFakeKubernetes({ controller: false });
  const readFile = (): string => fake.kubeconfig();
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  kube = (await connectKube({ kubeconfig: "/kubeconfig" }, deps)).kube;
});

afterEach(async () => {
  kube.close();
  await fake.stop();
});

/** The ownership of a process that started before any Job here was created; all other processes have ended. */
function ownershipOf(identity: string): Ownership {
  const clock = { ...systemClock, now: () => new Date(Date.now() - 60_000) };
  return new Ownership(identity, { kube, clock, isDead: () => true });
}

async function createJob(owner: string): Promise<Job> {
  const containers = [{ name: "flow", image: "flow" }];
  const spec = { template: { spec: { restartPolicy: "Never", containers } } };
  const metadata = { name: REF.name, annotations: { [OWNER_ANNOTATION]: owner } };
  await kube.create("jobs", { apiVersion: "batch/v1", kind: "Job", metadata, spec }, REF);
  return readJob();
}

async function readJob(): Promise<Job> {
  const job = await kube.get("jobs", REF);
  if (job === undefined) throw new Error("there is no Job");
  return job;
}

describe("Ownership", () => {
  it("knows that only this process can have reported a Job that it created", async () => {
    const job = await createJob("me:1");
    expect(ownershipOf("me:1").isOwn(job)).toBe(true);
  });

  it("takes a Job over from a process that has ended, and remembers that it was not its own", async () => {
    const me = ownershipOf("me:1");
    const job = await createJob("dead:1");
    expect(me.isOwn(job)).toBe(false);
    expect(await me.mayReport(job, false)).toBeUndefined();
    const taken = await readJob();
    expect(taken.metadata.annotations?.[OWNER_ANNOTATION]).toBe("me:1");
    expect(me.isOwn(taken)).toBe(false);
    expect(await me.mayReport(taken, false)).toBeUndefined();
  });

  it("remembers that also when the response to the takeover was lost", async () => {
    const me = ownershipOf("me:1");
    const job = await createJob("dead:1");
    fake.faults.add({ action: { kind: "cut", when: "after" }, match: ({ verb }) => verb === "patch" });
    await expect(me.mayReport(job, false)).rejects.toThrow("cannot");
    const taken = await readJob();
    expect(taken.metadata.annotations?.[OWNER_ANNOTATION]).toBe("me:1");
    expect(me.isOwn(taken)).toBe(false);
  });

  it("lets only one of two take a Job over", async () => {
    const job = await createJob("dead:1");
    expect(await ownershipOf("one:1").mayReport(job, false)).toBeUndefined();
    expect(await ownershipOf("two:1").mayReport(job, false)).toBeGreaterThan(0);
  });

  it("forgets Jobs that no longer exist", async () => {
    const me = ownershipOf("me:1");
    const job = await createJob("dead:1");
    await me.mayReport(job, false);
    me.keepOnly(new Set([job.metadata.uid]));
    expect(me.isOwn(await readJob())).toBe(false);
    me.keepOnly(new Set());
    // As if it had never been observed before.
    expect(me.isOwn(await readJob())).toBe(true);
  });
});
