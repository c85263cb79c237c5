import { describe, expect, it } from "vitest";
import { ExpectedError } from "../../../../src/base/errors.ts";
import { startFakeKubernetes } from "../fake-kubernetes.ts";
import { jobBody, withFake } from "./with-fake.ts";

describe("startFakeKubernetes", () => {
  it("has the namespaces, their ServiceAccounts and a node from the start", async () => {
    const { fake } = await withFake({ namespaces: ["flows"] });
    expect(fake.list("namespaces").map(({ metadata }) => metadata.name)).toEqual([
      "default",
      "flows",
      "kube-system",
    ]);
    expect(fake.get("serviceaccounts", "flows", "default")).toBeDefined();
    expect(fake.list("nodes")).toHaveLength(1);
  });

  it("says which address it could not have", async () => {
    const { fake } = await withFake();
    const port = Number(new URL(fake.url).port);
    const second = startFakeKubernetes({ port });
    await expect(second).rejects.toThrow(ExpectedError);
    await expect(second).rejects.toThrow(`cannot listen on "127.0.0.1:${port}"`);
  });

  it("refuses connections while it pauses, and comes back at the same address with what it had", async () => {
    const { fake, kube } = await withFake();
    fake.put("configmaps", { metadata: { name: "kept" } });
    const { url } = fake;
    await fake.pause();
    await expect(kube.get("/livez")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await fake.resume();
    expect(fake.url).toBe(url);
    expect((await kube.get(kube.path("configmaps", "kept"))).status).toBe(200);
  });

  it("writes a kubeconfig for itself", async () => {
    const { fake } = await withFake();
    const config = JSON.parse(fake.kubeconfig({ token: "t", namespace: "flows" }));
    expect(config).toMatchObject({
      kind: "Config",
      clusters: [{ cluster: { server: fake.url } }],
      users: [{ user: { token: "t" } }],
      contexts: [{ name: config["current-context"], context: { namespace: "flows" } }],
    });
  });

  it("counts requests by what they asked", async () => {
    const { fake, kube } = await withFake();
    await kube.get(`${kube.path("jobs")}?limit=5`);
    await kube.get(kube.path("jobs", "none"));
    await kube.get("/version");
    expect(fake.requests.total).toBe(3);
    expect(fake.requests.count({ resource: "jobs" })).toBe(2);
    expect(fake.requests.entries[1]).toMatchObject({
      method: "GET",
      path: kube.path("jobs", "none"),
      verb: "get",
      name: "none",
      namespace: "default",
      user: "admin",
      status: 404,
    });
  });

  it("stores an object with the status it is given, and replaces it under the same uid", async () => {
    const { fake } = await withFake({ controller: false });
    const pod = { metadata: { name: "dask-1" }, spec: { containers: [] }, status: { phase: "Succeeded" } };
    const first = fake.put("pods", pod);
    const second = fake.put("pods", { ...pod, status: { phase: "Failed" } });
    expect(first.status).toEqual({ phase: "Succeeded" });
    expect(second).toMatchObject({ metadata: { uid: first.metadata.uid }, status: { phase: "Failed" } });
    fake.remove("pods", "default", "dask-1");
    expect(fake.get("pods", "default", "dask-1")).toBeUndefined();
  });

  it("ends a running pod that nobody's Job owns after its grace", async () => {
    const { fake, kube } = await withFake({ controller: false, killMs: 1 });
    const spec = { nodeName: "node", containers: [{ name: "dask-worker", image: "dask" }] };
    fake.put("pods", { metadata: { name: "dask-1" }, spec, status: { phase: "Running" } });
    const reply = await kube.delete(kube.path("pods", "dask-1"));
    expect(reply.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    await expect.poll(() => fake.get("pods", "default", "dask-1")).toBeUndefined();
  });

  it("makes no pods without its controller", async () => {
    const { fake, kube } = await withFake({ controller: false });
    await kube.post(kube.path("jobs"), jobBody("alone"));
    await kube.delete(kube.path("jobs", "alone"), { propagationPolicy: "Foreground" });
    await expect.poll(() => fake.list("jobs")).toEqual([]);
    expect(fake.list("events")).toEqual([]);
  });

  it("empties a namespace before it goes, and takes nothing new meanwhile", async () => {
    const { fake, kube } = await withFake({ namespaces: ["flows"] });
    const finalizers = ["example.com/hold"];
    fake.put("configmaps", { metadata: { name: "held", namespace: "flows", finalizers } });
    fake.put("secrets", { metadata: { name: "free", namespace: "flows" } });
    const reply = await kube.delete("/api/v1/namespaces/flows");
    expect(reply.body).toMatchObject({ kind: "Namespace", status: { phase: "Terminating" } });
    await expect.poll(() => fake.list("secrets", "flows")).toEqual([]);
    const late = await kube.post("/api/v1/namespaces/flows/secrets", { metadata: { name: "late" } });
    expect(late).toMatchObject({
      status: 403,
      body: { details: { causes: [{ reason: "NamespaceTerminating" }] } },
    });
    await kube.patch("/api/v1/namespaces/flows/configmaps/held", { metadata: { finalizers: null } });
    await expect.poll(() => fake.get("namespaces", undefined, "flows")).toBeUndefined();
  });

  it("tells kubectl what it serves", async () => {
    const { kube } = await withFake();
    expect((await kube.get("/api")).body).toMatchObject({ versions: ["v1"] });
    expect((await kube.get("/apis")).body.groups.map((group: { name: string }) => group.name)).toContain(
      "batch",
    );
    const { body } = await kube.get("/apis/batch/v1");
    expect(body.resources.map((resource: { name: string }) => resource.name)).toEqual([
      "jobs",
      "jobs/status",
    ]);
  });
});
