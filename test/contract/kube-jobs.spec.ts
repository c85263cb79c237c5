// The contract for Jobs and their pods: defaults, validation, the course of a Job as clients see it, and deletion.

import { beforeAll, expect, it } from "vitest";
import type { Body, Reply, WatchEvent } from "../fakes/kubernetes/tests/kube-request.ts";
import type { Server } from "./kube-expect.ts";

/** What the fake does with this contract's Jobs: the same as their commands do in a real cluster. */
export function contractOutcome(
  jobName: string,
): "succeed" | "never" | { outcome: "fail"; exitCode: number; log: string } {
  if (jobName.startsWith("fail")) return { outcome: "fail", exitCode: 3, log: "first\nsecond\nthird" };
  return jobName.startsWith("stay") ? "never" : "succeed";
}

const COMMANDS: Record<string, string> = {
  fail: "echo first; echo second; echo third; exit 3",
  stay: "trap 'exit 143' TERM; while true; do sleep 0.1; done",
  done: "true",
};

function job(name: string, spec: object = {}, container: object = {}): object {
  const command = ["sh", "-c", COMMANDS[name.split("-")[0] ?? ""] ?? "true"];
  const flow = {
    name: "flow",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    command,
    ...container,
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels: { "test-job": name } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { "test-job": name } },
        spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 2, containers: [flow] },
      },
      ...spec,
    },
  };
}

/** The contract for Jobs. */
export function jobContract(server: Server): void {
  const create = (body: object): Promise<Reply> => server().post(server().path("jobs"), body);
  const podsOf = (name: string): string => `${server().path("pods")}?labelSelector=test-job%3D${name}`;
  const podWhen = async (name: string, test: (pod: Body) => boolean): Promise<Body> => {
    const reply = await server().until(podsOf(name), ({ body }) => body.items.some(test));
    const found = reply.body.items.find(test);
    if (found === undefined) throw new Error(`no such pod of ${name}`);
    return found;
  };
  const hasCondition = (type: string) => (reply: Reply) =>
    reply.body.status.conditions?.some((one) => one.type === type && one.status === "True") === true;

  it("sets the defaults of a Job", async () => {
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "busybox" }] } };
    const { status, body } = await create({ metadata: { name: "bare" }, spec: { suspend: true, template } });
    const own = { "batch.kubernetes.io/controller-uid": body.metadata.uid };
    const labels = {
      ...own,
      "batch.kubernetes.io/job-name": "bare",
      "controller-uid": body.metadata.uid,
      "job-name": "bare",
    };
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: { generation: 1, labels },
      spec: { parallelism: 1, completions: 1, backoffLimit: 6, suspend: true, completionMode: "NonIndexed" },
      status: {},
    });
    expect(body.spec.selector).toEqual({ matchLabels: own });
    expect(body.spec.template.metadata.labels).toEqual(labels);
    expect(body.spec.template.spec).toMatchObject({
      terminationGracePeriodSeconds: 30,
      containers: [{ imagePullPolicy: "Always", resources: {} }],
    });
  });

  it("does not change a Job's own labels", async () => {
    const { body } = await create(job("done-labels", { suspend: true }));
    expect(body.metadata.labels).toEqual({ "test-job": "done-labels" });
  });

  it.each([
    [
      "a number as a variable's value",
      job("x", {}, { env: [{ name: "A", value: 5 }] }),
      "EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [
      "a number as an argument",
      job("x", {}, { args: [1] }),
      "Container.spec.template.spec.containers.args of type string",
    ],
    ["text as a number", job("x", { backoffLimit: "3" }), "JobSpec.spec.backoffLimit of type int32"],
    [
      "an unreadable quantity",
      job("x", {}, { resources: { limits: { memory: "lots" } } }),
      "quantities must match",
    ],
  ])("rejects a Job with %s as unreadable", async (_what, body, message) => {
    const reply = await create(body);
    expect(reply).toMatchObject({ status: 400, body: { kind: "Status", reason: "BadRequest", code: 400 } });
    expect(reply.body.message).toMatch(/^Job in version "v1" cannot be handled as a Job: /);
    expect(reply.body.message).toContain(message);
  });

  it.each([
    ["no container name", job("x", {}, { name: undefined }), "spec.template.spec.containers[0].name"],
    ["a bad container name", job("x", {}, { name: "A_b" }), "spec.template.spec.containers[0].name"],
    ["no image", job("x", {}, { image: undefined }), "spec.template.spec.containers[0].image"],
    [
      "an unknown pull policy",
      job("x", {}, { imagePullPolicy: "Now" }),
      "spec.template.spec.containers[0].imagePullPolicy",
    ],
    [
      "a bad variable name",
      job("x", {}, { env: [{ name: "A=B" }] }),
      "spec.template.spec.containers[0].env[0].name",
    ],
    ["a negative backoffLimit", job("x", { backoffLimit: -1 }), "spec.backoffLimit"],
    [
      "no containers",
      job("x", { template: { spec: { restartPolicy: "Never" } } }),
      "spec.template.spec.containers",
    ],
    [
      "restartPolicy Always",
      job("x", { template: { spec: { restartPolicy: "Always", containers: [{ name: "a", image: "b" }] } } }),
      "spec.template.spec.restartPolicy",
    ],
    ["a name longer than a label may be", job("a".repeat(64)), "metadata.labels"],
  ])("rejects a Job with %s as invalid", async (_what, body, field) => {
    const reply = await create(body);
    expect(reply).toMatchObject({ status: 422, body: { kind: "Status", reason: "Invalid", code: 422 } });
    expect(reply.body.message).toMatch(/^Job\.batch "[^"]*" is invalid: /);
    expect(reply.body.details).toMatchObject({ group: "batch", kind: "Job" });
    expect(reply.body.details.causes[0]?.field).toBe(field);
  });

  it("treats null fields as absent", async () => {
    const reply = await create({
      ...job("done-nulls", { suspend: true, ttlSecondsAfterFinished: null }),
      status: null,
    });
    expect(reply.status).toBe(201);
    expect(reply.body.spec.ttlSecondsAfterFinished).toBeUndefined();
  });

  it("rejects changes of a Job's immutable fields", async () => {
    await create(job("done-fixed", { suspend: true }));
    const path = server().path("jobs", "done-fixed");
    const reply = await server().patch(path, { spec: { completions: 2 } });
    expect(reply).toMatchObject({
      status: 422,
      body: { details: { causes: [{ field: "spec.completions" }] } },
    });
    const allowed = await server().patch(path, { spec: { backoffLimit: 2 } });
    expect(allowed).toMatchObject({
      status: 200,
      body: { metadata: { generation: 2 }, spec: { backoffLimit: 2 } },
    });
  });

  it("changes a pod's status only at /status", async () => {
    const body = {
      metadata: { name: "pod-1" },
      spec: { nodeSelector: { no: "where" }, containers: [{ name: "a", image: "b" }] },
    };
    expect((await server().post(server().path("pods"), body)).body.status.phase).toBe("Pending");
    const path = server().path("pods", "pod-1");
    const changed = await server().patch(`${path}/status`, {
      status: { phase: "Running" },
      spec: { nodeName: "x" },
    });
    expect(changed).toMatchObject({ status: 200, body: { status: { phase: "Running" } } });
    expect(changed.body.spec.nodeName).toBeUndefined();
    await server().patch(path, { status: { phase: "Failed" }, metadata: { labels: { a: "b" } } });
    const read = await server().get(`${path}/status`);
    expect(read.body).toMatchObject({ status: { phase: "Running" }, metadata: { labels: { a: "b" } } });
    const selected = await server().get(
      `${server().path("pods")}?fieldSelector=status.phase%3DRunning,metadata.name%3Dpod-1`,
    );
    expect(selected.body.items).toHaveLength(1);
  });

  it("deletes a pod without a node at once, and returns it", async () => {
    const reply = await server().delete(server().path("pods", "pod-1"));
    expect(reply).toMatchObject({
      status: 200,
      body: { kind: "Pod", metadata: { deletionGracePeriodSeconds: 0 } },
    });
    expect((await server().get(server().path("pods", "pod-1"))).status).toBe(404);
  });

  it("answers 404 for the log of a missing pod, and an empty log for a pod without a node", async () => {
    expect((await server().get(`${server().path("pods", "none")}/log`)).status).toBe(404);
    const body = {
      metadata: { name: "pod-2" },
      spec: { nodeSelector: { no: "where" }, containers: [{ name: "a", image: "b" }] },
    };
    await server().post(server().path("pods"), body);
    expect((await server().get(`${server().path("pods", "pod-2")}/log`)).status).toBe(204);
    const other = await server().get(`${server().path("pods", "pod-2")}/log?container=zz`);
    expect(other.body).toMatchObject({ code: 400, message: "container zz is not valid for pod pod-2" });
    await server().delete(server().path("pods", "pod-2"));
  });

  it("rejects a pod whose ServiceAccount does not exist, and reports it in an event of the Job", async () => {
    const spec = { serviceAccountName: "none", containers: [{ name: "a", image: "b" }] };
    const reply = await server().post(server().path("pods"), { metadata: { name: "pod-3" }, spec });
    expect(reply).toMatchObject({
      status: 403,
      body: { reason: "Forbidden", details: { name: "pod-3", kind: "pods" } },
    });
    await create(job("done-account", { template: { spec: { ...spec, restartPolicy: "Never" } } }));
    const selector = encodeURIComponent("involvedObject.name=done-account,reason=FailedCreate");
    const path = `${server().path("events")}?fieldSelector=${selector}`;
    const { body } = await server().until(path, (seen) => seen.body.items.length > 0);
    expect(body.items[0]).toMatchObject({
      type: "Warning",
      involvedObject: { kind: "Job", name: "done-account" },
      message: expect.stringContaining(
        'Error creating: pods "done-account-" is forbidden: error looking up service account',
      ),
    });
    await server().delete(server().path("jobs", "done-account"), { propagationPolicy: "Background" });
  });

  successContract(server, { create, podWhen, hasCondition });
  failureContract(server, { create, podWhen, hasCondition });
  deletionContract(server, { create, podWhen, hasCondition });
}

interface Steps {
  readonly create: (body: object) => Promise<Reply>;
  readonly podWhen: (name: string, test: (pod: Body) => boolean) => Promise<Body>;
  readonly hasCondition: (type: string) => (reply: Reply) => boolean;
}

function successContract(server: Server, { create, hasCondition }: Steps): void {
  it("runs a Job's pod and adds the conditions of success one by one", async () => {
    const { body } = await server().get(`${server().path("jobs")}?limit=1`);
    const from = body.metadata.resourceVersion;
    const watch = await server().watch(
      `${server().path("jobs")}?watch=true&resourceVersion=${from}&labelSelector=test-job%3Ddone-1`,
    );
    const made = await create(job("done-1"));
    await watch.until(({ object }) => hasCondition("Complete")({ body: object } as Reply));
    watch.stop();
    const types = ({ object }: WatchEvent): string[] =>
      (object.status.conditions ?? []).map((one) => one.type);
    const seen = watch.events.map((event) => types(event).join("+"));
    expect([...new Set(seen)]).toEqual(["", "SuccessCriteriaMet", "SuccessCriteriaMet+Complete"]);
    expect(watch.events.some(({ object }) => object.status.active === 1)).toBe(true);
    expect(watch.events.at(-1)?.object.status).toMatchObject({
      succeeded: 1,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
      startTime: expect.any(String),
      completionTime: expect.any(String),
      conditions: [{ reason: "CompletionsReached" }, { reason: "CompletionsReached", status: "True" }],
    });
    const pods = await server().get(`${server().path("pods")}?labelSelector=job-name%3Ddone-1`);
    expect(pods.body.items).toHaveLength(1);
    const pod = pods.body.items[0];
    const { uid } = made.body.metadata;
    expect(pod?.metadata.name).toMatch(/^done-1-[a-z0-9]{5}$/);
    expect(pod?.metadata.labels).toMatchObject({ "test-job": "done-1", "controller-uid": uid });
    expect(pod?.metadata.ownerReferences).toEqual([
      {
        apiVersion: "batch/v1",
        kind: "Job",
        name: "done-1",
        uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(pod?.metadata.finalizers).toBeUndefined();
    expect(pod?.status).toMatchObject({
      phase: "Succeeded",
      containerStatuses: [
        { name: "flow", ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } },
      ],
    });
  });

  it("writes events for each step of a pod", async () => {
    const reasons = async (): Promise<string[]> => {
      const { body } = await server().get(server().path("events"));
      const related = body.items.filter((event: Body) => event.involvedObject.name.startsWith("done-1"));
      return related.map((event: Body) => `${event.involvedObject.kind} ${event.type} ${event.reason}`);
    };
    await expect
      .poll(reasons, { timeout: 10_000 })
      .toEqual(
        expect.arrayContaining([
          "Job Normal SuccessfulCreate",
          "Pod Normal Scheduled",
          "Pod Normal Pulled",
          "Pod Normal Created",
          "Pod Normal Started",
          "Job Normal Completed",
        ]),
      );
  });

  it("orphans the pods of a Job that is deleted without a propagationPolicy", async () => {
    await server().delete(server().path("jobs", "done-1"));
    await server().until(server().path("jobs", "done-1"), ({ status }) => status === 404);
    const { body } = await server().get(`${server().path("pods")}?labelSelector=test-job%3Ddone-1`);
    expect(body.items).toHaveLength(1);
    expect(body.items[0]?.metadata.ownerReferences).toBeUndefined();
  });
}

function failureContract(server: Server, { create, podWhen, hasCondition }: Steps): void {
  let pod: Body;
  beforeAll(async () => {
    await create(job("fail-1"));
    await server().until(server().path("jobs", "fail-1"), hasCondition("Failed"));
    pod = await podWhen("fail-1", ({ status }) => status.phase === "Failed");
  });

  it("adds conditions with the reason to a failed Job", async () => {
    const { body } = await server().get(server().path("jobs", "fail-1"));
    const condition = {
      status: "True",
      reason: "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit",
    };
    expect(body.status.conditions).toMatchObject([
      { type: "FailureTarget", ...condition },
      { type: "Failed", ...condition },
    ]);
    expect(body.status).toMatchObject({ failed: 1, terminating: 0, ready: 0 });
    expect(pod.status.containerStatuses[0]?.state.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  });

  it.each([
    ["", "first\nsecond\nthird\n"],
    ["container=flow", "first\nsecond\nthird\n"],
    ["tailLines=2", "second\nthird\n"],
    ["tailLines=0", ""],
    ["limitBytes=7", "first\ns"],
    ["follow=true", "first\nsecond\nthird\n"],
    ["sinceSeconds=3600&tailLines=1", "third\n"],
  ])("returns the log for the query %j", async (query, text) => {
    const reply = await server().get(`${server().path("pods", pod.metadata.name)}/log?${query}`);
    expect(reply).toMatchObject({ status: 200, text });
  });

  it.each([
    ["tailLines=x", 400],
    ["tailLines=-1", 422],
    ["sinceSeconds=0", 422],
    ["previous=true", 400],
  ])("rejects the log query %s", async (query, code) => {
    const reply = await server().get(`${server().path("pods", pod.metadata.name)}/log?${query}`);
    expect(reply).toMatchObject({ status: code, body: { kind: "Status", code } });
  });

  it("adds timestamps to the lines of a log", async () => {
    const reply = await server().get(
      `${server().path("pods", pod.metadata.name)}/log?timestamps=true&tailLines=1`,
    );
    expect(reply.text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z third\n$/);
  });

  it("deletes a Job with Foreground propagation after its pods", async () => {
    const reply = await server().delete(server().path("jobs", "fail-1"), { propagationPolicy: "Foreground" });
    expect(reply).toMatchObject({
      status: 200,
      body: { kind: "Job", metadata: { finalizers: ["foregroundDeletion"] } },
    });
    expect(reply.body.metadata.deletionTimestamp).toBeDefined();
    await server().until(server().path("jobs", "fail-1"), ({ status }) => status === 404);
    expect((await server().get(server().path("pods", pod.metadata.name))).status).toBe(404);
  });
}

function deletionContract(server: Server, { create, podWhen, hasCondition }: Steps): void {
  const isRunning = (pod: Body): boolean => pod.status.phase === "Running";

  it("gives a deleted pod its grace period, and counts it as failed", async () => {
    await create(job("stay-1"));
    const pod = await podWhen("stay-1", isRunning);
    await server().until(server().path("jobs", "stay-1"), ({ body }) => body.status.ready === 1);
    const reply = await server().delete(server().path("pods", pod.metadata.name));
    expect(reply.body.metadata).toMatchObject({ name: pod.metadata.name, deletionGracePeriodSeconds: 2 });
    expect(reply.body.status.phase).toBe("Running");
    const { body } = await server().until(server().path("jobs", "stay-1"), hasCondition("Failed"));
    expect(body.status).toMatchObject({
      failed: 1,
      conditions: [{ type: "FailureTarget" }, { reason: "BackoffLimitExceeded" }],
    });
    await server().until(server().path("pods", pod.metadata.name), ({ status }) => status === 404);
  });

  it("deletes a Job with Background propagation at once, and its pods after it", async () => {
    await create(job("stay-2"));
    const pod = await podWhen("stay-2", isRunning);
    const reply = await server().delete(server().path("jobs", "stay-2"), { propagationPolicy: "Background" });
    expect(reply.body).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { group: "batch", kind: "jobs" },
    });
    expect((await server().get(server().path("jobs", "stay-2"))).status).toBe(404);
    await server().until(server().path("pods", pod.metadata.name), ({ status }) => status === 404);
  });

  it("fails a Job that exceeds its activeDeadlineSeconds", async () => {
    await create(job("stay-3", { activeDeadlineSeconds: 1 }));
    const { body } = await server().until(server().path("jobs", "stay-3"), hasCondition("Failed"));
    expect(body.status.conditions).toMatchObject([
      { type: "FailureTarget" },
      { type: "Failed", reason: "DeadlineExceeded" },
    ]);
  });

  it("creates no pod for a suspended Job", async () => {
    await create(job("done-2", { suspend: true }));
    const { body } = await server().until(server().path("jobs", "done-2"), hasCondition("Suspended"));
    expect(body.status.active ?? 0).toBe(0);
    expect(
      (await server().get(`${server().path("pods")}?labelSelector=test-job%3Ddone-2`)).body.items,
    ).toEqual([]);
  });
}
