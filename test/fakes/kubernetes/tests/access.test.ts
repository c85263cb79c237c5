import { describe, expect, it } from "vitest";
import { refusal } from "../../../contract/kube-expect.ts";
import { as, withFake } from "./with-fake.ts";

const REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

describe("access", () => {
  it("knows users by their tokens", async () => {
    const { fake } = await withFake({ tokens: { one: "anna", two: "ben" } });
    const who = async (token: string): Promise<string> => {
      const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
      const reply = await as(fake, { authorization: `Bearer ${token}` }).post(path, {});
      return reply.body.status.userInfo?.username ?? reply.body.reason;
    };
    expect(await Promise.all(["one", "two", "three"].map(who))).toEqual(["anna", "ben", "Unauthorized"]);
  });

  it("forbids everything to whom it does not know at all", async () => {
    const { kube } = await withFake({ tokens: { one: "anna" } });
    const reply = await kube.get("/api/v1/nodes");
    expect(reply).toMatchObject(refusal(403, "Forbidden"));
    expect(reply.body).toMatchObject({
      message:
        'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
      details: { kind: "nodes" },
    });
    expect((await kube.get("/version")).status).toBe(200);
  });

  it("forbids by user, verb and resource, in the server's words", async () => {
    const { fake } = await withFake({ tokens: { one: "anna", two: "ben" } });
    fake.forbid({ user: "anna", verbs: ["delete"], resources: ["jobs", "pods/log"] });
    const anna = as(fake, { authorization: "Bearer one" });
    const reply = await anna.delete(anna.path("jobs", "x"));
    expect(reply).toMatchObject(refusal(403, "Forbidden"));
    expect(reply.body).toMatchObject({
      message:
        'jobs.batch "x" is forbidden: User "anna" cannot delete resource "jobs" in API group "batch" in the namespace "default"',
      details: { name: "x", group: "batch", kind: "jobs" },
    });
    expect((await anna.get(anna.path("jobs"))).status).toBe(200);
    const ben = as(fake, { authorization: "Bearer two" });
    expect((await ben.delete(ben.path("jobs", "x"))).status).toBe(404);
  });

  it("names a subresource in the rule and in the refusal", async () => {
    const { fake, kube } = await withFake({ rules: [{ resources: ["pods/log"] }] });
    const reply = await kube.get(`${kube.path("pods", "x")}/log`);
    expect(reply.body.message).toContain('cannot get resource "pods/log" in API group ""');
    expect((await kube.get(kube.path("pods"))).status).toBe(200);
    expect(fake.requests.count({ resource: "pods/log", status: 403 })).toBe(1);
  });

  it("takes a rule back", async () => {
    const { fake, kube } = await withFake();
    const allow = fake.forbid({ verbs: ["list"], namespaces: ["default"] });
    expect((await kube.get(kube.path("pods"))).status).toBe(403);
    expect((await kube.get("/api/v1/pods")).status).toBe(200);
    allow();
    expect((await kube.get(kube.path("pods"))).status).toBe(200);
  });

  it.each([
    ["jobs", "", true],
    ["pods", "log", false],
    ["pods", "", true],
  ])("reviews access to %s/%s by the same rules", async (resource, subresource, allowed) => {
    const { kube } = await withFake({ rules: [{ resources: ["pods/log"], verbs: ["get"] }] });
    const resourceAttributes = { verb: "get", resource, subresource, namespace: "default" };
    const reply = await kube.post(REVIEW, { spec: { resourceAttributes } });
    expect(reply).toMatchObject({ status: 201, body: { status: { allowed } } });
  });

  it("acts for the user that a request impersonates", async () => {
    const { fake } = await withFake({ rules: [{ user: "anna" }] });
    const kube = as(fake, { "impersonate-user": "anna" });
    expect((await kube.get(kube.path("pods"))).status).toBe(403);
    expect(fake.requests.entries.at(-1)?.user).toBe("anna");
  });
});
