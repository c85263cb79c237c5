import { describe, expect, it } from "vitest";
import { asPod } from "../kube-object.ts";
import type { FakeKubernetes } from "../fake-kubernetes.ts";
import type { PodOutcomeName, PodScript } from "../pod-script.ts";
import type { Pod } from "../../../../src/kube/client/objects.ts";
import { jobBody, withFake } from "./with-fake.ts";

const podsOf = (fake: FakeKubernetes): Pod[] => fake.list("pods").map((object) => asPod(object));

function conditionsOf(fake: FakeKubernetes, name: string): string[] {
  const conditions = fake.get("jobs", "default", name)?.status?.["conditions"] ?? [];
  return (conditions as { type: string; reason: string }[]).map(({ type, reason }) => `${type} ${reason}`);
}

function reasonsOf(fake: FakeKubernetes): string[] {
  return fake.list("events").map((event) => String(event["reason"]));
}

const FAILED = ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"];
const COMPLETE = ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"];

describe("outcomes", () => {
  it.each<[PodOutcomeName, object]>([
    ["succeed", { phase: "Succeeded", containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] }],
    [
      "fail",
      { phase: "Failed", containerStatuses: [{ state: { terminated: { exitCode: 1, reason: "Error" } } }] },
    ],
    [
      "oom",
      {
        phase: "Failed",
        containerStatuses: [{ state: { terminated: { exitCode: 137, reason: "OOMKilled" } } }],
      },
    ],
    ["never", { phase: "Running", containerStatuses: [{ ready: true, state: { running: {} } }] }],
    [
      "pending",
      { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] },
    ],
    ["creating", { containerStatuses: [{ state: { waiting: { reason: "ContainerCreating" } } }] }],
    ["imagePull", { containerStatuses: [{ state: { waiting: { reason: "ImagePullBackOff" } } }] }],
    ["invalidImage", { containerStatuses: [{ state: { waiting: { reason: "InvalidImageName" } } }] }],
    [
      "configError",
      { containerStatuses: [{ state: { waiting: { reason: "CreateContainerConfigError" } } }] },
    ],
    [
      "crashLoop",
      {
        containerStatuses: [
          {
            restartCount: 3,
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated: {} },
          },
        ],
      },
    ],
    ["evict", { phase: "Failed", reason: "Evicted" }],
  ])("shows a pod that is to %s", async (outcome, status) => {
    const { fake, kube } = await withFake({ script: () => outcome });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect.poll(() => podsOf(fake)[0]?.status).toMatchObject(status);
  });

  it.each<[PodOutcomeName, readonly string[]]>([
    ["pending", ["FailedScheduling"]],
    ["imagePull", ["Scheduled", "Pulling", "Failed", "BackOff"]],
    ["configError", ["Scheduled", "Failed"]],
    ["crashLoop", ["Started", "BackOff"]],
    ["evict", ["Evicted"]],
  ])("tells the events of a pod that is to %s", async (outcome, reasons) => {
    const { fake, kube } = await withFake({ script: () => outcome });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect.poll(() => reasonsOf(fake)).toEqual(expect.arrayContaining([...reasons]));
  });

  it("counts a repeated event up", async () => {
    const { fake, kube } = await withFake({ script: () => "crashLoop" });
    await kube.post(kube.path("jobs"), jobBody("a"));
    const backOff = (): unknown =>
      fake.list("events").find((event) => event["reason"] === "BackOff")?.["count"];
    await expect.poll(backOff).toBe(3);
  });

  it("tells of a refused pod at the Job only, again and again", async () => {
    const script: PodScript = { outcome: "refuse", message: "exceeded quota: small" };
    const { fake, kube } = await withFake({ script: () => script });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect
      .poll(() => fake.list("events")[0]?.["message"])
      .toBe('Error creating: pods "a-" is forbidden: exceeded quota: small');
    expect(podsOf(fake)).toEqual([]);
  });

  it("leads a pod through steps of one's own", async () => {
    const script: PodScript = [
      { nodeName: "n1", status: { phase: "Pending" } },
      {
        afterMs: 1,
        status: { phase: "Running" },
        log: "one\ntwo\n",
        events: [{ reason: "Odd", message: "an event" }],
      },
      {
        afterMs: 1,
        status: (pod, at) => ({ phase: "Failed", message: `${pod.spec.nodeName} at ${at.slice(0, 2)}` }),
      },
    ];
    const { fake, kube } = await withFake({ script: () => script });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(FAILED);
    const [pod] = podsOf(fake);
    expect(pod?.status.message).toBe("n1 at 20");
    expect(reasonsOf(fake)).toContain("Odd");
    expect((await kube.get(`${kube.path("pods", pod?.metadata.name)}/log`)).text).toBe("one\ntwo\n");
  });

  it("shows what a sidecar and the init containers do", async () => {
    const { fake, kube } = await withFake({ script: () => "never" });
    const initContainers = [
      { name: "once", image: "i" },
      { name: "beside", image: "i", restartPolicy: "Always" },
    ];
    await kube.post(kube.path("jobs"), jobBody("a", {}, { initContainers }));
    await expect
      .poll(() => podsOf(fake)[0]?.status.initContainerStatuses)
      .toMatchObject([
        { name: "once", state: { terminated: { exitCode: 0 } } },
        { name: "beside", state: { running: {} } },
      ]);
  });
});

describe("the Job controller", () => {
  it("replaces failed pods until the backoffLimit is passed", async () => {
    const { fake, kube } = await withFake({ script: () => "fail", podBackoffMs: 1 });
    await kube.post(kube.path("jobs"), jobBody("a", { backoffLimit: 2 }));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(FAILED);
    expect(podsOf(fake)).toHaveLength(3);
    expect(fake.get("jobs", "default", "a")?.status).toMatchObject({ failed: 3 });
  });

  it("lets a later pod save the Job", async () => {
    const outcomes: PodOutcomeName[] = ["fail", "succeed"];
    const { fake, kube } = await withFake({ script: () => outcomes.shift() ?? "never", podBackoffMs: 1 });
    await kube.post(kube.path("jobs"), jobBody("a", { backoffLimit: 6 }));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(COMPLETE);
    expect(fake.get("jobs", "default", "a")?.status).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it("replaces a pod that was deleted by hand", async () => {
    const { fake, kube } = await withFake({ script: () => "never", podBackoffMs: 1, killMs: 1 });
    await kube.post(kube.path("jobs"), jobBody("a", { backoffLimit: 1 }));
    await expect.poll(() => fake.get("jobs", "default", "a")?.status?.["ready"]).toBe(1);
    const first = podsOf(fake)[0]?.metadata.name ?? "";
    fake.remove("pods", "default", first);
    await expect
      .poll(() => fake.get("jobs", "default", "a")?.status)
      .toMatchObject({ active: 1, ready: 1, failed: 1 });
    await expect.poll(() => podsOf(fake).map(({ metadata }) => metadata.name)).not.toContain(first);
    expect(podsOf(fake)).toHaveLength(1);
  });

  it("runs as many pods as parallelism and completions ask for", async () => {
    const { fake, kube } = await withFake();
    await kube.post(kube.path("jobs"), jobBody("a", { parallelism: 2, completions: 3 }));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(COMPLETE);
    expect(fake.get("jobs", "default", "a")?.status).toMatchObject({ succeeded: 3 });
    expect(podsOf(fake)).toHaveLength(3);
  });

  it("counts restarts in the pod against the backoffLimit", async () => {
    const { fake, kube } = await withFake({ script: () => "crashLoop", killMs: 1 });
    await kube.post(kube.path("jobs"), jobBody("a", { backoffLimit: 2 }, { restartPolicy: "OnFailure" }));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(FAILED);
  });

  it("starts a suspended Job when it is resumed, and ends its pods when it is suspended again", async () => {
    const { fake, kube } = await withFake({ script: () => "never", killMs: 1 });
    await kube.post(kube.path("jobs"), jobBody("a", { suspend: true }));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(["Suspended JobSuspended"]);
    await kube.patch(kube.path("jobs", "a"), { spec: { suspend: false } });
    await expect.poll(() => podsOf(fake)[0]?.status.phase).toBe("Running");
    expect(conditionsOf(fake, "a")).toEqual(["Suspended JobResumed"]);
    await kube.patch(kube.path("jobs", "a"), { spec: { suspend: true } });
    await expect.poll(() => podsOf(fake)).toEqual([]);
    expect(fake.get("jobs", "default", "a")?.status?.["failed"]).toBeUndefined();
  });

  it("deletes a finished Job and its pods after ttlSecondsAfterFinished", async () => {
    const { fake, kube } = await withFake();
    await kube.post(kube.path("jobs"), jobBody("a", { ttlSecondsAfterFinished: 0 }));
    await expect.poll(() => [fake.list("jobs"), fake.list("pods")]).toEqual([[], []]);
    expect(reasonsOf(fake)).toContain("Completed");
  });

  it("tells its caller of each phase, and waits for it", async () => {
    const told: string[] = [];
    const { fake, kube } = await withFake({
      script: () => ({ outcome: "fail", runMs: 1 }),
      onPhase: async (job, pod, phase) => {
        await Promise.resolve();
        const stored = fake.get("pods", "default", pod.metadata.name)?.status?.["phase"];
        told.push(`${job.metadata.name} ${phase}, shown ${String(stored)}`);
      },
    });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect.poll(() => conditionsOf(fake, "a")).toEqual(FAILED);
    expect(told).toEqual(["a Pending, shown Pending", "a Running, shown Pending", "a Failed, shown Running"]);
  });

  it("follows a log to the container's end", async () => {
    const goOn = Promise.withResolvers<void>();
    const { fake, kube } = await withFake({
      script: () => ({ outcome: "succeed", log: "begun" }),
      onPhase: (_job, _pod, phase) => (phase === "Succeeded" ? goOn.promise : undefined),
    });
    await kube.post(kube.path("jobs"), jobBody("a"));
    await expect.poll(() => podsOf(fake)[0]?.status.phase).toBe("Running");
    const name = podsOf(fake)[0]?.metadata.name ?? "";
    const text = kube.get(`${kube.path("pods", name)}/log?follow=true`);
    await expect.poll(() => fake.requests.count({ resource: "pods/log", status: 200 })).toBe(1);
    fake.writeLog({ namespace: "default", name }, "flow", "more\n");
    goOn.resolve();
    expect((await text).text).toBe("begun\nmore\n");
  });
});
