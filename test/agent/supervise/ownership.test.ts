// Who speaks of a Job, and who knows that nobody else has spoken of it.

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

/** A owner that is older than any Job here; all others are dead. */
function tellerNamed(name: string): Ownership {
  const clock = { ...systemClock, now: () => new Date(Date.now() - 60_000) };
  return new Ownership(name, { kube, clock, isDead: () => true });
}

async function jobOf(maker: string): Promise<Job> {
  const containers = [{ name: "flow", image: "flow" }];
  const spec = { template: { spec: { restartPolicy: "Never", containers } } };
  const metadata = { name: REF.name, annotations: { [OWNER_ANNOTATION]: maker } };
  await kube.create("jobs", { apiVersion: "batch/v1", kind: "Job", metadata, spec }, REF);
  return seen();
}

async function seen(): Promise<Job> {
  const job = await kube.get("jobs", REF);
  if (job === undefined) throw new Error("there is no Job");
  return job;
}

describe("Ownership", () => {
  it("knows that nobody has spoken of a Job that it made itself", async () => {
    const job = await jobOf("me:1");
    expect(tellerNamed("me:1").isOwn(job)).toBe(true);
  });

  it("takes a Job over from a dead maker, and does not forget that it was another's", async () => {
    const me = tellerNamed("me:1");
    const job = await jobOf("dead:1");
    expect(me.isOwn(job)).toBe(false);
    expect(await me.mayReport(job, false)).toBeUndefined();
    const taken = await seen();
    expect(taken.metadata.annotations?.[OWNER_ANNOTATION]).toBe("me:1");
    expect(me.isOwn(taken)).toBe(false);
    expect(await me.mayReport(taken, false)).toBeUndefined();
  });

  it("does not forget it either when the answer to its taking over got lost", async () => {
    const me = tellerNamed("me:1");
    const job = await jobOf("dead:1");
    fake.faults.add({ action: { kind: "cut", when: "after" }, match: ({ verb }) => verb === "patch" });
    await expect(me.mayReport(job, false)).rejects.toThrow("cannot");
    const taken = await seen();
    expect(taken.metadata.annotations?.[OWNER_ANNOTATION]).toBe("me:1");
    expect(me.isOwn(taken)).toBe(false);
  });

  it("lets only one of two take a Job over", async () => {
    const job = await jobOf("dead:1");
    expect(await tellerNamed("one:1").mayReport(job, false)).toBeUndefined();
    expect(await tellerNamed("two:1").mayReport(job, false)).toBeGreaterThan(0);
  });

  it("forgets Jobs that are no more", async () => {
    const me = tellerNamed("me:1");
    const job = await jobOf("dead:1");
    await me.mayReport(job, false);
    me.keepOnly(new Set([job.metadata.uid]));
    expect(me.isOwn(await seen())).toBe(false);
    me.keepOnly(new Set());
    // As if it had never been seen before.
    expect(me.isOwn(await seen())).toBe(true);
  });
});
