import { describe, expect, it } from "vitest";
import { refusal } from "../../../contract/kube-expect.ts";
import { withFake } from "./with-fake.ts";

const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";

describe("watch", () => {
  it("answers a version that history has lost with an ERROR of 410", async () => {
    const { fake, kube } = await withFake();
    const first = await kube.post(CONFIGMAPS, { metadata: { name: "a" } });
    await kube.post(CONFIGMAPS, { metadata: { name: "b" } });
    fake.compact();
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=${first.body.metadata.resourceVersion}`,
    );
    await watch.ended();
    expect(watch.status).toBe(200);
    expect(watch.events).toMatchObject([
      {
        type: "ERROR",
        object: {
          kind: "Status",
          code: 410,
          reason: "Expired",
          message: expect.stringMatching(/^too old resource version/),
        },
      },
    ]);
  });

  it("goes on from the current version after a compaction", async () => {
    const { fake, kube } = await withFake();
    fake.compact();
    const list = await kube.get(CONFIGMAPS);
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=${list.body.metadata.resourceVersion}`,
    );
    fake.put("configmaps", { metadata: { name: "a" } });
    expect(await watch.until(() => true)).toMatchObject({
      type: "ADDED",
      object: { metadata: { name: "a" } },
    });
    watch.stop();
  });

  it("keeps only as much history as it was told to", async () => {
    const { fake, kube } = await withFake({ historySize: 5 });
    const first = fake.put("configmaps", { metadata: { name: "a" } });
    for (let n = 0; n < 20; n++) fake.put("configmaps", { metadata: { name: "a" }, data: { n: String(n) } });
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=${first.metadata.resourceVersion}`,
    );
    expect(await watch.until(() => true)).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });

  it("sends a last bookmark before it ends at timeoutSeconds", async () => {
    const { kube } = await withFake({ bookmarkMs: 600_000 });
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=1`,
    );
    await watch.ended();
    expect(watch.events.map(({ type }) => type)).toEqual(["BOOKMARK"]);
  });

  it("can be cut, as by a restarting server", async () => {
    const { fake, kube } = await withFake();
    const watch = await kube.watch(`${CONFIGMAPS}?watch=true`);
    expect(fake.watchCount).toBe(1);
    fake.dropWatches();
    await watch.ended();
    await expect.poll(() => fake.watchCount).toBe(0);
  });

  it("can go silent, with its connection open", async () => {
    const { fake, kube } = await withFake({ bookmarkMs: 5 });
    const mute = await kube.watch(`${CONFIGMAPS}?watch=true&allowWatchBookmarks=true`);
    await mute.until(({ type }) => type === "BOOKMARK");
    fake.muteWatches();
    const loud = await kube.watch(`${CONFIGMAPS}?watch=true&allowWatchBookmarks=true`);
    fake.put("configmaps", { metadata: { name: "a" } });
    await loud.until(({ type }) => type === "ADDED");
    expect(mute.events.every(({ type }) => type === "BOOKMARK")).toBe(true);
    mute.stop();
    loud.stop();
  });
});

describe("list", () => {
  it("answers the token of a forgotten list with 410, and a token to go on without one moment", async () => {
    const { fake, kube } = await withFake();
    for (const name of ["a", "b", "c"]) fake.put("configmaps", { metadata: { name } });
    const first = await kube.get(`${CONFIGMAPS}?limit=1`);
    fake.compact();
    const late = await kube.get(`${CONFIGMAPS}?limit=1&continue=${first.body.metadata.continue}`);
    expect(late).toMatchObject(refusal(410, "Expired"));
    fake.put("configmaps", { metadata: { name: "bb" } });
    const rest = await kube.get(`${CONFIGMAPS}?continue=${late.body.metadata.continue}`);
    expect(rest.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
      "b",
      "bb",
      "c",
    ]);
  });

  it("gives items of custom resources their kind", async () => {
    const { fake, kube } = await withFake();
    fake.put("daskclusters", { metadata: { name: "dask-1" } });
    fake.put("daskclusters.gateway.dask.org", { metadata: { name: "gate-1" } });
    const operator = await kube.get("/apis/kubernetes.dask.org/v1/daskclusters");
    const gateway = await kube.get("/apis/gateway.dask.org/v1alpha1/namespaces/default/daskclusters");
    expect(operator.body.items).toMatchObject([
      { kind: "DaskCluster", apiVersion: "kubernetes.dask.org/v1", metadata: { name: "dask-1" } },
    ]);
    expect(gateway.body.items).toMatchObject([{ metadata: { name: "gate-1" } }]);
  });
});
