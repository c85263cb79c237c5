import { describe, expect, it } from "vitest";
import { refusal } from "../../../contract/kube-expect.ts";
import { withStandin } from "./with-fake.ts";

const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";

describe("watch", () => {
  it("answers a version that history has lost with an ERROR of 410", async () => {
    const { standin, kube } = await withStandin();
    const first = await kube.post(CONFIGMAPS, { metadata: { name: "a" } });
    await kube.post(CONFIGMAPS, { metadata: { name: "b" } });
    standin.compact();
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
    const { standin, kube } = await withStandin();
    standin.compact();
    const list = await kube.get(CONFIGMAPS);
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=${list.body.metadata.resourceVersion}`,
    );
    standin.put("configmaps", { metadata: { name: "a" } });
    expect(await watch.until(() => true)).toMatchObject({
      type: "ADDED",
      object: { metadata: { name: "a" } },
    });
    watch.stop();
  });

  it("keeps only as much history as it was told to", async () => {
    const { standin, kube } = await withStandin({ historySize: 5 });
    const first = standin.put("configmaps", { metadata: { name: "a" } });
    for (let n = 0; n < 20; n++)
      standin.put("configmaps", { metadata: { name: "a" }, data: { n: String(n) } });
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=${first.metadata.resourceVersion}`,
    );
    expect(await watch.until(() => true)).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });

  it("sends a last bookmark before it ends at timeoutSeconds", async () => {
    const { kube } = await withStandin({ bookmarkMs: 600_000 });
    const watch = await kube.watch(
      `${CONFIGMAPS}?watch=true&resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=1`,
    );
    await watch.ended();
    expect(watch.events.map(({ type }) => type)).toEqual(["BOOKMARK"]);
  });

  it("can be cut, as by a restarting server", async () => {
    const { standin, kube } = await withStandin();
    const watch = await kube.watch(`${CONFIGMAPS}?watch=true`);
    expect(standin.watchCount).toBe(1);
    standin.dropWatches();
    await watch.ended();
    await expect.poll(() => standin.watchCount).toBe(0);
  });

  it("can go silent, with its connection open", async () => {
    const { standin, kube } = await withStandin({ bookmarkMs: 5 });
    const mute = await kube.watch(`${CONFIGMAPS}?watch=true&allowWatchBookmarks=true`);
    await mute.until(({ type }) => type === "BOOKMARK");
    standin.muteWatches();
    const loud = await kube.watch(`${CONFIGMAPS}?watch=true&allowWatchBookmarks=true`);
    standin.put("configmaps", { metadata: { name: "a" } });
    await loud.until(({ type }) => type === "ADDED");
    expect(mute.events.every(({ type }) => type === "BOOKMARK")).toBe(true);
    mute.stop();
    loud.stop();
  });
});

describe("list", () => {
  it("answers the token of a forgotten list with 410, and a token to go on without one moment", async () => {
    const { standin, kube } = await withStandin();
    for (const name of ["a", "b", "c"]) standin.put("configmaps", { metadata: { name } });
    const first = await kube.get(`${CONFIGMAPS}?limit=1`);
    standin.compact();
    const late = await kube.get(`${CONFIGMAPS}?limit=1&continue=${first.body.metadata.continue}`);
    expect(late).toMatchObject(refusal(410, "Expired"));
    standin.put("configmaps", { metadata: { name: "bb" } });
    const rest = await kube.get(`${CONFIGMAPS}?continue=${late.body.metadata.continue}`);
    expect(rest.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
      "b",
      "bb",
      "c",
    ]);
  });

  it("gives items of custom resources their kind", async () => {
    const { standin, kube } = await withStandin();
    standin.put("daskclusters", { metadata: { name: "dask-1" } });
    standin.put("daskclusters.gateway.dask.org", { metadata: { name: "gate-1" } });
    const operator = await kube.get("/apis/kubernetes.dask.org/v1/daskclusters");
    const gateway = await kube.get("/apis/gateway.dask.org/v1alpha1/namespaces/default/daskclusters");
    expect(operator.body.items).toMatchObject([
      { kind: "DaskCluster", apiVersion: "kubernetes.dask.org/v1", metadata: { name: "dask-1" } },
    ]);
    expect(gateway.body.items).toMatchObject([{ metadata: { name: "gate-1" } }]);
  });
});
