// The contract for updates and deletions.

import { expect, it } from "vitest";
import type { Reply } from "../fakes/kubernetes/tests/kube-request.ts";
import { configMap, refusal, namesIn } from "./kube-expect.ts";
import type { Server } from "./kube-expect.ts";

const UNKNOWN_UID = "00000000-0000-0000-0000-000000000000";

/** The contract for PUT and PATCH. */
export function updateContract(server: Server): void {
  const create = async (name: string): Promise<Reply["body"]> => {
    const { body } = await server().post(server().path("configmaps"), configMap(name));
    const { managedFields: _fields, ...metadata } = body.metadata;
    return { ...body, metadata };
  };

  it("replaces an object, with a new resourceVersion", async () => {
    const before = await create("update-1");
    const reply = await server().put(server().path("configmaps", "update-1"), {
      ...before,
      data: { other: "1" },
    });
    expect(reply).toMatchObject({ status: 200, body: { metadata: { uid: before.metadata.uid } } });
    expect(reply.body.data).toEqual({ other: "1" });
    expect(Number(reply.body.metadata.resourceVersion)).toBeGreaterThan(
      Number(before.metadata.resourceVersion),
    );
  });

  it("rejects an update with an old resourceVersion", async () => {
    const before = await create("update-2");
    const path = server().path("configmaps", "update-2");
    await server().put(path, { ...before, data: { other: "1" } });
    const reply = await server().put(path, { ...before, data: { other: "2" } });
    expect(reply).toMatchObject(refusal(409, "Conflict"));
    expect(reply.body.message).toMatch(
      /^Operation cannot be fulfilled on configmaps "update-2": the object has been/,
    );
  });

  it("replaces any object without a resourceVersion, except a Lease", async () => {
    await create("update-3");
    const path = server().path("configmaps", "update-3");
    expect((await server().put(path, { metadata: { name: "update-3" } })).status).toBe(200);
    const lease = (holderIdentity: string): object => ({ metadata: { name: "l" }, spec: { holderIdentity } });
    expect((await server().put(server().path("leases", "l"), lease("a"))).status).toBe(201);
    expect(await server().put(server().path("leases", "l"), lease("b"))).toMatchObject(
      refusal(422, "Invalid"),
    );
  });

  it("stores the times of a Lease in microseconds", async () => {
    const spec = { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2026-11-21T07:49:05.123456Z" };
    const reply = await server().post(server().path("leases"), { metadata: { name: "times" }, spec });
    expect(reply.body.spec).toEqual(spec);
    const coarse = { ...spec, renewTime: "2026-11-21T07:49:05Z" };
    const refused = await server().post(server().path("leases"), {
      metadata: { name: "coarse" },
      spec: coarse,
    });
    expect(refused).toMatchObject(refusal(400, "BadRequest"));
  });

  it("rejects an update of a missing object, or with another name", async () => {
    const path = server().path("configmaps", "none");
    expect(await server().put(path, { metadata: { name: "none" } })).toMatchObject(refusal(404, "NotFound"));
    expect(await server().put(path, { metadata: { name: "other" } })).toMatchObject(
      refusal(400, "BadRequest"),
    );
  });

  it("applies a JSON merge patch", async () => {
    const before = await create("patch-1");
    const path = server().path("configmaps", "patch-1");
    const reply = await server().patch(path, {
      data: { key: null, more: "1" },
      metadata: { annotations: { a: "b" } },
    });
    expect(reply).toMatchObject({
      status: 200,
      body: { data: { more: "1" }, metadata: { annotations: { a: "b" } } },
    });
    const same = await server().patch(path, { data: { more: "1" } });
    expect(same.body.metadata.resourceVersion).toBe(reply.body.metadata.resourceVersion);
    expect(reply.body.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
  });

  it("accepts strategic merge patches and JSON patches", async () => {
    await create("patch-2");
    const path = server().path("configmaps", "patch-2");
    const labels = { metadata: { labels: { a: "b" } } };
    expect((await server().patch(path, labels, "application/strategic-merge-patch+json")).body).toMatchObject(
      labels,
    );
    const type = "application/json-patch+json";
    const good = [{ op: "add", path: "/data/q", value: "r" }];
    expect((await server().patch(path, good, type)).body.data).toEqual({ key: "value", q: "r" });
    const failing = [{ op: "test", path: "/data/q", value: "x" }];
    expect(await server().patch(path, failing, type)).toMatchObject(refusal(422, "Invalid"));
  });

  it("rejects a patch of another resourceVersion, of a missing object, or with an unknown content type", async () => {
    await create("patch-3");
    const path = server().path("configmaps", "patch-3");
    expect(await server().patch(path, { metadata: { resourceVersion: "1" } })).toMatchObject(
      refusal(409, "Conflict"),
    );
    expect(await server().patch(server().path("configmaps", "none"), {})).toMatchObject(
      refusal(404, "NotFound"),
    );
    expect(await server().patch(path, {}, "application/json")).toMatchObject(
      refusal(415, "UnsupportedMediaType"),
    );
    expect(await server().patch(path, "{")).toMatchObject(refusal(400, "BadRequest"));
  });
}

/** The contract for DELETE. */
export function deleteContract(server: Server): void {
  const create = async (name: string, more: object = {}): Promise<Reply["body"]> =>
    (await server().post(server().path("configmaps"), configMap(name, { app: "delete" }, more))).body;

  it("returns the name and uid of a deleted object", async () => {
    const { metadata } = await create("delete-1");
    const reply = await server().delete(server().path("configmaps", "delete-1"));
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "delete-1", kind: "configmaps", uid: metadata.uid },
    });
    expect(await server().delete(server().path("configmaps", "delete-1"))).toMatchObject(
      refusal(404, "NotFound"),
    );
  });

  it("does not delete an object whose uid or resourceVersion differs from the precondition", async () => {
    const { metadata } = await create("delete-2");
    const path = server().path("configmaps", "delete-2");
    const wrongUid = await server().delete(path, { preconditions: { uid: UNKNOWN_UID } });
    expect(wrongUid).toMatchObject(refusal(409, "Conflict"));
    expect(wrongUid.body.message).toContain(`the UID in the precondition (${UNKNOWN_UID}) does not match`);
    expect(await server().delete(path, { preconditions: { resourceVersion: "1" } })).toMatchObject(
      refusal(409, "Conflict"),
    );
    const { uid, resourceVersion } = metadata;
    expect((await server().delete(path, { preconditions: { uid, resourceVersion } })).status).toBe(200);
  });

  it("deletes nothing with dryRun", async () => {
    await create("delete-3");
    const path = server().path("configmaps", "delete-3");
    expect((await server().delete(`${path}?dryRun=All`)).status).toBe(200);
    expect((await server().delete(path, { dryRun: ["All"] })).status).toBe(200);
    expect((await server().get(path)).status).toBe(200);
  });

  it.each([{ propagationPolicy: "Sideways" }, { propagationPolicy: "Orphan", orphanDependents: true }])(
    "rejects the options %j",
    async (options) => {
      expect(await server().delete(server().path("configmaps", "none"), options)).toMatchObject(
        refusal(422, "Invalid"),
      );
    },
  );

  it("keeps an object until its last finalizer is removed", async () => {
    await create("delete-4", { finalizers: ["example.com/a"] });
    const path = server().path("configmaps", "delete-4");
    const reply = await server().delete(path);
    expect(reply).toMatchObject({ status: 200, body: { kind: "ConfigMap" } });
    expect(reply.body.metadata.deletionTimestamp).toBeDefined();
    const more = { metadata: { finalizers: ["example.com/a", "example.com/b"] } };
    expect(await server().patch(path, more)).toMatchObject(refusal(422, "Invalid"));
    expect((await server().patch(path, { metadata: { finalizers: null } })).status).toBe(200);
    expect(await server().get(path)).toMatchObject(refusal(404, "NotFound"));
  });

  it("deletes the objects that a selector matches", async () => {
    await create("delete-5");
    await server().post(server().path("configmaps"), configMap("delete-6", { app: "other" }));
    const reply = await server().delete(`${server().path("configmaps")}?labelSelector=app%3Ddelete`);
    expect(reply).toMatchObject({ status: 200, body: { kind: "ConfigMapList" } });
    expect(namesIn(reply)).toContain("delete-5");
    expect((await server().get(server().path("configmaps", "delete-5"))).status).toBe(404);
    expect((await server().get(server().path("configmaps", "delete-6"))).status).toBe(200);
  });

  it("deletes dependents with their owner", async () => {
    const owner = await create("owner-1");
    const ownerReferences = [
      { apiVersion: "v1", kind: "ConfigMap", name: "owner-1", uid: owner.metadata.uid },
    ];
    await create("dependent-1", { ownerReferences });
    await server().delete(server().path("configmaps", "owner-1"));
    const path = server().path("configmaps", "dependent-1");
    expect(await server().until(path, ({ status }) => status === 404)).toMatchObject(
      refusal(404, "NotFound"),
    );
  });
}
