import { describe, expect, it } from "vitest";
import { ExpectedError } from "../../../../src/base/errors.ts";
import { startKubeStandin } from "../fake-kubernetes.ts";
import { jobBody, withStandin } from "./with-fake.ts";

describe("startKubeStandin", () => {
  it("has the namespaces, their ServiceAccounts and a node from the start", async () => {
    const { standin } = await withStandin({ namespaces: ["flows"] });
    expect(standin.list("namespaces").map(({ metadata }) => metadata.name)).toEqual([
      "default",
      "flows",
      "kube-system",
    ]);
    expect(standin.get("serviceaccounts", "flows", "default")).toBeDefined();
    expect(standin.list("nodes")).toHaveLength(1);
  });

  it("says which address it could not have", async () => {
    const { standin } = await withStandin();
    const port = Number(new URL(standin.url).port);
    const second = startKubeStandin({ port });
    await expect(second).rejects.toThrow(ExpectedError);
    await expect(second).rejects.toThrow(`cannot listen on "127.0.0.1:${port}"`);
  });

  it("refuses connections while it pauses, and comes back at the same address with what it had", async () => {
    const { standin, kube } = await withStandin();
    standin.put("configmaps", { metadata: { name: "kept" } });
    const { url } = standin;
    await standin.pause();
    await expect(kube.get("/livez")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await standin.resume();
    expect(standin.url).toBe(url);
    expect((await kube.get(kube.path("configmaps", "kept"))).status).toBe(200);
  });

  it("writes a kubeconfig for itself", async () => {
    const { standin } = await withStandin();
    const config = JSON.parse(standin.kubeconfig({ token: "t", namespace: "flows" }));
    expect(config).toMatchObject({
      kind: "Config",
      clusters: [{ cluster: { server: standin.url } }],
      users: [{ user: { token: "t" } }],
      contexts: [{ name: config["current-context"], context: { namespace: "flows" } }],
    });
  });

  it("counts requests by what they asked", async () => {
    const { standin, kube } = await withStandin();
    await kube.get(`${kube.path("jobs")}?limit=5`);
    await kube.get(kube.path("jobs", "none"));
    await kube.get("/version");
    expect(standin.requests.total).toBe(3);
    expect(standin.requests.count({ resource: "jobs" })).toBe(2);
    expect(standin.requests.entries[1]).toMatchObject({
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
    const { standin } = await withStandin({ controller: false });
    const pod = { metadata: { name: "dask-1" }, spec: { containers: [] }, status: { phase: "Succeeded" } };
    const first = standin.put("pods", pod);
    const second = standin.put("pods", { ...pod, status: { phase: "Failed" } });
    expect(first.status).toEqual({ phase: "Succeeded" });
    expect(second).toMatchObject({ metadata: { uid: first.metadata.uid }, status: { phase: "Failed" } });
    standin.remove("pods", "default", "dask-1");
    expect(standin.get("pods", "default", "dask-1")).toBeUndefined();
  });

  it("ends a running pod that nobody's Job owns after its grace", async () => {
    const { standin, kube } = await withStandin({ controller: false, killMs: 1 });
    const spec = { nodeName: "node", containers: [{ name: "dask-worker", image: "dask" }] };
    standin.put("pods", { metadata: { name: "dask-1" }, spec, status: { phase: "Running" } });
    const reply = await kube.delete(kube.path("pods", "dask-1"));
    expect(reply.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    await expect.poll(() => standin.get("pods", "default", "dask-1")).toBeUndefined();
  });

  it("makes no pods without its controller", async () => {
    const { standin, kube } = await withStandin({ controller: false });
    await kube.post(kube.path("jobs"), jobBody("alone"));
    await kube.delete(kube.path("jobs", "alone"), { propagationPolicy: "Foreground" });
    await expect.poll(() => standin.list("jobs")).toEqual([]);
    expect(standin.list("events")).toEqual([]);
  });

  it("empties a namespace before it goes, and takes nothing new meanwhile", async () => {
    const { standin, kube } = await withStandin({ namespaces: ["flows"] });
    const finalizers = ["example.com/hold"];
    standin.put("configmaps", { metadata: { name: "held", namespace: "flows", finalizers } });
    standin.put("secrets", { metadata: { name: "free", namespace: "flows" } });
    const reply = await kube.delete("/api/v1/namespaces/flows");
    expect(reply.body).toMatchObject({ kind: "Namespace", status: { phase: "Terminating" } });
    await expect.poll(() => standin.list("secrets", "flows")).toEqual([]);
    const late = await kube.post("/api/v1/namespaces/flows/secrets", { metadata: { name: "late" } });
    expect(late).toMatchObject({
      status: 403,
      body: { details: { causes: [{ reason: "NamespaceTerminating" }] } },
    });
    await kube.patch("/api/v1/namespaces/flows/configmaps/held", { metadata: { finalizers: null } });
    await expect.poll(() => standin.get("namespaces", undefined, "flows")).toBeUndefined();
  });

  it("tells kubectl what it serves", async () => {
    const { kube } = await withStandin();
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
