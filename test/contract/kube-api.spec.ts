// The behaviour of a Kubernetes API server that we rely on, as requests and responses. Run against the fake (kube-fake.test.ts)
// and against a real server (test/e2e/kube-real.contract.test.ts); where they differ, the real server is right.

import { beforeAll, describe, expect, it } from "vitest";
import { KubeServer } from "../fakes/kubernetes/tests/kube-request.ts";
import type { KubeConnection } from "../fakes/kubernetes/tests/kube-request.ts";
import { configMap, refusal } from "./kube-expect.ts";
import type { Server } from "./kube-expect.ts";
import { jobContract } from "./kube-jobs.spec.ts";
import { listContract, watchContract } from "./kube-reads.spec.ts";
import { deleteContract, updateContract } from "./kube-writes.spec.ts";

/** Declares the contract's tests for a server. No other test may use the namespace of the connection. */
export function kubeContract(name: string, connect: () => Promise<KubeConnection>): void {
  describe(`${name} as a Kubernetes API`, () => {
    let kube: KubeServer;
    beforeAll(async () => {
      kube = new KubeServer(await connect());
    });
    const server = (): KubeServer => kube;
    describe("health and version", () => {
      healthContract(server);
    });
    describe("create", () => {
      createContract(server);
    });
    describe("read and list", () => {
      listContract(server);
    });
    describe("update and patch", () => {
      updateContract(server);
    });
    describe("delete", () => {
      deleteContract(server);
    });
    describe("watch", () => {
      watchContract(server);
    });
    describe("access", () => {
      accessContract(server);
    });
    describe("Jobs and pods", () => {
      jobContract(server);
    });
  });
}

function healthContract(server: Server): void {
  it.each(["/livez", "/readyz"])("answers ok at %s", async (path) => {
    expect(await server().get(path)).toMatchObject({ status: 200, text: "ok" });
  });

  it("returns its version", async () => {
    const { body } = await server().get("/version");
    expect(body).toMatchObject({
      major: "1",
      minor: expect.stringMatching(/^\d+/),
      gitVersion: expect.any(String),
    });
  });

  it.each(["/nothing", "/apis/no.such.group/v1/things"])("answers 404 in plain text at %s", async (path) => {
    expect(await server().get(path)).toMatchObject({ status: 404, text: "404 page not found\n" });
  });

  it("answers a Status for an unknown resource of a known group", async () => {
    expect(await server().get("/apis/batch/v1/nothing")).toMatchObject(refusal(404, "NotFound"));
  });
}

function createContract(server: Server): void {
  it("sets an object's uid, resourceVersion and creationTimestamp", async () => {
    const { status, body } = await server().post(server().path("configmaps"), configMap("create-1"));
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", data: { key: "value" } });
    expect(body.metadata).toMatchObject({
      name: "create-1",
      namespace: server().namespace,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it("rejects a name that exists already", async () => {
    await server().post(server().path("configmaps"), configMap("create-2"));
    const reply = await server().post(server().path("configmaps"), configMap("create-2"));
    expect(reply).toMatchObject(refusal(409, "AlreadyExists"));
    expect(reply.body).toMatchObject({
      message: 'configmaps "create-2" already exists',
      details: { name: "create-2", kind: "configmaps" },
    });
  });

  it("generates a name from generateName", async () => {
    const body = { metadata: { generateName: "create-3-" } };
    const reply = await server().post(server().path("configmaps"), body);
    expect(reply.body.metadata.name).toMatch(/^create-3-[a-z0-9]{5}$/);
  });

  it("rejects an object in a namespace that does not exist", async () => {
    const reply = await server().post("/api/v1/namespaces/no-such-namespace/configmaps", configMap("x"));
    expect(reply).toMatchObject(refusal(404, "NotFound"));
    expect(reply.body.message).toBe('namespaces "no-such-namespace" not found');
  });

  it("rejects an object whose namespace is not that of the request", async () => {
    const body = configMap("x", {}, { namespace: "another" });
    expect(await server().post(server().path("configmaps"), body)).toMatchObject(refusal(400, "BadRequest"));
  });

  it.each([
    ["no name", { metadata: {} }, "metadata.name"],
    ["an upper-case name", { metadata: { name: "Bad_Name" } }, "metadata.name"],
    ["a label value with a space", { metadata: { name: "x", labels: { a: "b c" } } }, "metadata.labels"],
    ["a label name with a space", { metadata: { name: "x", labels: { "a b": "c" } } }, "metadata.labels"],
    [
      "a finalizer without a domain",
      { metadata: { name: "x", finalizers: ["abc"] } },
      "metadata.finalizers[0]",
    ],
  ])("rejects an object with %s as invalid", async (_what, body, field) => {
    const reply = await server().post(server().path("configmaps"), body);
    expect(reply).toMatchObject(refusal(422, "Invalid"));
    expect(reply.body.details).toMatchObject({ kind: "ConfigMap", causes: [{ field }] });
    expect(reply.body.message).toContain(`${field}: ${reply.body.details.causes[0]?.message}`);
  });

  it.each([
    ["not JSON", "{no"],
    ["a list", "[]"],
    ["empty", ""],
    ["of another kind", { apiVersion: "batch/v1", kind: "Job", metadata: { name: "x" } }],
    ["an object with a number as label value", { metadata: { name: "x", labels: { a: 1 } } }],
  ])("rejects a body that is %s", async (_what, body) => {
    expect(await server().post(server().path("configmaps"), body)).toMatchObject(refusal(400, "BadRequest"));
  });

  it("stores nothing with dryRun=All", async () => {
    const reply = await server().post(`${server().path("configmaps")}?dryRun=All`, configMap("create-4"));
    expect(reply).toMatchObject({ status: 201, body: { metadata: { name: "create-4" } } });
    expect(await server().get(server().path("configmaps", "create-4"))).toMatchObject(
      refusal(404, "NotFound"),
    );
  });

  it("rejects POST to a single object", async () => {
    expect(await server().post(server().path("configmaps", "create-1"), {})).toMatchObject(
      refusal(405, "MethodNotAllowed"),
    );
  });

  it("encodes the stringData of a Secret", async () => {
    const reply = await server().post(server().path("secrets"), {
      metadata: { name: "s" },
      stringData: { a: "b" },
    });
    expect(reply.body).toMatchObject({ data: { a: "Yg==" }, type: "Opaque" });
    expect(reply.body.stringData).toBeUndefined();
  });

  it("sets defaults of a Service and a PodDisruptionBudget", async () => {
    const spec = { selector: { a: "b" }, ports: [{ port: 8786 }] };
    const service = await server().post(server().path("services"), { metadata: { name: "s" }, spec });
    expect(service.body.spec).toMatchObject({
      type: "ClusterIP",
      ports: [{ protocol: "TCP", targetPort: 8786 }],
    });
    const budget = {
      metadata: { name: "s" },
      spec: { minAvailable: 1, selector: { matchLabels: { a: "b" } } },
    };
    const reply = await server().post(server().path("poddisruptionbudgets"), budget);
    expect(reply).toMatchObject({
      status: 201,
      body: { apiVersion: "policy/v1", metadata: { generation: 1 } },
    });
  });
}

function accessContract(server: Server): void {
  const headers = { authorization: "Bearer no-such-token" };

  it("rejects an unknown token", async () => {
    const reply = await server().get(server().path("pods"), { headers });
    expect(reply).toMatchObject(refusal(401, "Unauthorized"));
  });

  it("answers a SelfSubjectAccessReview", async () => {
    const resourceAttributes = {
      verb: "create",
      group: "batch",
      resource: "jobs",
      namespace: server().namespace,
    };
    const reply = await server().post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    });
    expect(reply).toMatchObject({
      status: 201,
      body: { spec: { resourceAttributes }, status: { allowed: true } },
    });
  });

  it("answers a SubjectAccessReview about another user", async () => {
    const spec = {
      user: "system:serviceaccount:default:somebody",
      groups: ["system:serviceaccounts"],
      resourceAttributes: { verb: "get", group: "batch", resource: "jobs", namespace: server().namespace },
    };
    const reply = await server().post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec,
    });
    expect(reply).toMatchObject({
      status: 201,
      body: { kind: "SubjectAccessReview", spec, status: { allowed: expect.any(Boolean) } },
    });
  });

  it("answers a SelfSubjectReview with the user's name", async () => {
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const reply = await server().post(path, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
    });
    expect(reply).toMatchObject({
      status: 201,
      body: { status: { userInfo: { username: expect.any(String) } } },
    });
  });
}
