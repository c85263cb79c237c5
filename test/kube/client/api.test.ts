import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { listAll } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import type { FakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";

let fake: FakeKubernetes;
let kube: KubeApi;

async function connect(token?: string): Promise<KubeApi> {
  const kubeconfig = fake.kubeconfig(token === undefined ? {} : { token });
  const readFile = (path: string): string | undefined => (path === "/kubeconfig" ? kubeconfig : undefined);
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  return (await connectKube({ kubeconfig: "/kubeconfig", requestTimeoutMs: 5_000 }, deps)).kube;
}

function job(name: string): object {
  const container = { name: "flow", image: "busybox" };
  const template = { spec: { restartPolicy: "Never", containers: [container] } };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels: { app: name } },
    spec: { template },
  };
}

beforeAll(async () => {
  fake = await startFakeKubernetes({ tokens: { good: "admin", weak: "weak" }, script: () => "never" });
  fake.forbid({ user: "weak", verbs: ["delete"], resources: ["jobs"] });
  kube = await connect("good");
});

afterAll(async () => {
  kube.close();
  await fake.stop();
});

describe("KubeApi", () => {
  it("returns created or exists, and deleted, gone or changed", async () => {
    const ref = { namespace: "default", name: "one" };
    expect(await kube.create("jobs", job("one"), { namespace: "default" })).toBe("created");
    expect(await kube.create("jobs", job("one"), { namespace: "default" })).toBe("exists");
    const found = await kube.get("jobs", ref);
    expect(found?.metadata.name).toBe("one");
    expect(await kube.delete("jobs", ref, { uid: "another" })).toBe("changed");
    expect(await kube.delete("jobs", ref, { uid: found?.metadata.uid, propagation: "Background" })).toBe(
      "deleted",
    );
    expect(await kube.get("jobs", ref)).toBeUndefined();
    expect(await kube.delete("jobs", ref)).toBe("gone");
  });

  it("patches only the expected resourceVersion", async () => {
    const ref = { namespace: "default", name: "patched" };
    await kube.create("jobs", job("patched"), { namespace: "default" });
    const version = (await kube.get("jobs", ref))?.metadata.resourceVersion;
    const patch = { metadata: { resourceVersion: version, annotations: { a: "1" } } };
    expect(await kube.patch("jobs", ref, patch)).toBe("patched");
    expect(await kube.patch("jobs", ref, patch)).toBe("changed");
  });

  it("lists in pages, by label", async () => {
    for (let at = 0; at < 7; at++) await kube.create("jobs", job(`page-${at}`), { namespace: "default" });
    const names: string[] = [];
    const query = { namespace: "default", labelSelector: "app in (page-1,page-2,page-5)", limit: 2 };
    for await (const each of listAll(kube, "jobs", query)) names.push(each.metadata.name);
    expect(names.sort()).toEqual(["page-1", "page-2", "page-5"]);
  });

  it("retries a read when the server closes the idle connection", async () => {
    await kube.listPage("pods", { namespace: "default" });
    fake.fault({
      effect: { kind: "cut", when: "before" },
      match: ({ resource }) => resource === "pods",
    });
    const page = await kube.listPage("pods", { namespace: "default" });
    expect(page.resourceVersion).not.toBe("");
    expect(fake.requests.count({ verb: "list", resource: "pods" })).toBeGreaterThanOrEqual(3);
  });

  it("throws Kubernetes' message with status and reason", async () => {
    const weak = await connect("weak");
    const refused = await weak
      .delete("jobs", { namespace: "default", name: "patched" })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(KubeError);
    expect(refused).toMatchObject({ status: 403, reason: "Forbidden", exitCode: 4, retryable: false });
    expect(String(refused)).toContain('cannot delete Job "patched" in namespace "default": ');
    weak.close();
  });

  it("checks permissions of this and other users, and reads the current user", async () => {
    const weak = await connect("weak");
    const access = { verb: "delete", group: "batch", resource: "jobs", namespace: "default" };
    expect(await weak.canI(access)).toBe(false);
    expect(await weak.canI({ ...access, verb: "get" })).toBe(true);
    expect(await kube.canI(access, undefined, { user: "weak", groups: [] })).toBe(false);
    expect(await kube.canI(access, undefined, { user: "strong", groups: [] })).toBe(true);
    expect(await weak.whoAmI()).toEqual({ user: "weak", groups: ["system:authenticated"] });
    const allow = fake.forbid({ user: "weak", resources: ["subjectaccessreviews"] });
    await expect(weak.canI(access, undefined, { user: "strong", groups: [] })).rejects.toMatchObject({
      status: 403,
    });
    allow();
    weak.close();
  });

  it("fails at once when the server is unreachable", async () => {
    const elsewhere = await connectKube(
      { server: "http://127.0.0.1:1" },
      { env: {}, home: undefined, clock: systemClock, readFile: () => undefined, userAgent: "test" },
    );
    const error = await elsewhere.kube.version().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "Unreachable", retryable: true });
    expect(String(error)).toContain("connection refused");
  });

  it("does not retry a wrong token", async () => {
    const wrong = await connect("wrong");
    await expect(wrong.listPage("jobs", { namespace: "default" })).rejects.toMatchObject({
      status: 401,
      retryable: false,
    });
    wrong.close();
  });
});
