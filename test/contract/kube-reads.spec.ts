// The contract for reads: lists with selectors and pages, and watches.

import { beforeAll, expect, it } from "vitest";
import type { KubeServer, Reply } from "../fakes/kubernetes/tests/kube-request.ts";
import { configMap, refusal, namesIn } from "./kube-expect.ts";
import type { Server } from "./kube-expect.ts";

/** The contract for GET and LIST. */
export function listContract(server: Server): void {
  beforeAll(async () => {
    for (const n of ["0", "1", "2", "3", "4"]) {
      const labels = { app: "list", n, ...(n === "1" || n === "3" ? { odd: "" } : {}) };
      await server().post(server().path("configmaps"), configMap(`list-${n}`, labels));
    }
  });
  const listed = (query: string): Promise<Reply> => server().get(`${server().path("configmaps")}?${query}`);
  const withSelector = (selector: string): string =>
    `labelSelector=${encodeURIComponent(`app=list,${selector}`)}`;

  it("answers 404 for an object that does not exist", async () => {
    const reply = await server().get(server().path("jobs", "none"));
    expect(reply).toMatchObject(refusal(404, "NotFound"));
    expect(reply.body).toMatchObject({
      message: 'jobs.batch "none" not found',
      details: { name: "none", group: "batch", kind: "jobs" },
    });
  });

  it("lists nothing in a namespace that does not exist", async () => {
    const { status, body } = await server().get("/api/v1/namespaces/no-such-namespace/pods");
    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: "PodList", apiVersion: "v1", items: [] });
  });

  it("lists by name, with the list's resourceVersion, and items without kind", async () => {
    const { body } = await listed(withSelector("n"));
    expect(body).toMatchObject({
      kind: "ConfigMapList",
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    expect(body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
      "list-0",
      "list-1",
      "list-2",
      "list-3",
      "list-4",
    ]);
    expect(body.items[0]?.kind).toBeUndefined();
  });

  it("lists across namespaces", async () => {
    const reply = await server().get(`/api/v1/configmaps?${withSelector("n=2")}`);
    expect(namesIn(reply)).toEqual(["list-2"]);
  });

  it.each([
    ["n=1", "1"],
    ["n==1", "1"],
    ["n!=1", "0234"],
    ["n in (1,2)", "12"],
    ["n in (0, 3)", "03"],
    ["n notin (1,2)", "034"],
    ["odd", "13"],
    ["!odd", "024"],
    ["odd=", "13"],
    ["n>1", "234"],
    ["n,!odd,n!=0", "24"],
  ])("selects by labels: %s", async (selector, names) => {
    expect(namesIn(await listed(withSelector(selector)))).toEqual(Array.from(names, (n) => `list-${n}`));
  });

  it.each([
    ["metadata.name=list-1", "1"],
    ["metadata.name==list-1", "1"],
    ["metadata.name!=list-1", "0234"],
    ["metadata.namespace=another", ""],
  ])("selects by fields: %s", async (selector, names) => {
    const reply = await listed(`${withSelector("n")}&fieldSelector=${encodeURIComponent(selector)}`);
    expect(namesIn(reply)).toEqual(Array.from(names, (n) => `list-${n}`));
  });

  it("selects events by their involvedObject", async () => {
    const event = (name: string, pod: string): object => ({
      metadata: { name },
      involvedObject: { kind: "Pod", name: pod, namespace: server().namespace, uid: `uid-${pod}` },
      reason: "Tested",
      type: "Warning",
    });
    await server().post(server().path("events"), event("event-1", "a"));
    await server().post(server().path("events"), event("event-2", "b"));
    const selector = "involvedObject.kind=Pod,involvedObject.uid=uid-b,reason=Tested,type!=Normal";
    const reply = await server().get(
      `${server().path("events")}?fieldSelector=${encodeURIComponent(selector)}`,
    );
    expect(namesIn(reply)).toEqual(["event-2"]);
  });

  it.each([
    "labelSelector=a%20in%20(b",
    "labelSelector=a%3Db%20c",
    "fieldSelector=spec.x%3D5",
    "fieldSelector=metadata.name",
    "limit=x",
    "continue=abc",
    "resourceVersion=abc",
  ])("rejects the query %s", async (query) => {
    expect(await listed(query)).toMatchObject(refusal(400, "BadRequest"));
  });

  it("lists all pages at the same resourceVersion", async () => {
    const first = await listed(`${withSelector("n")}&limit=2`);
    expect(namesIn(first)).toEqual(["list-0", "list-1"]);
    await server().post(server().path("configmaps"), configMap("list-5", { app: "list", n: "5" }));
    await server().delete(server().path("configmaps", "list-5"));
    await server().post(server().path("configmaps"), configMap("list-30", { app: "list", n: "30" }));
    const next = encodeURIComponent(first.body.metadata.continue);
    const second = await listed(`${withSelector("n")}&limit=2&continue=${next}`);
    const again = await listed(`${withSelector("n")}&limit=2&continue=${next}`);
    const third = await listed(
      `${withSelector("n")}&limit=2&continue=${encodeURIComponent(second.body.metadata.continue)}`,
    );
    await server().delete(server().path("configmaps", "list-30"));
    expect([second, again, third].map(namesIn)).toEqual([
      ["list-2", "list-3"],
      ["list-2", "list-3"],
      ["list-4"],
    ]);
    expect(third.body.metadata).toEqual({ resourceVersion: first.body.metadata.resourceVersion });
  });

  it("answers a list at resourceVersion 0 whole, whatever the limit", async () => {
    // The cache of a real API server lags behind by moments.
    const list = async (): Promise<unknown> => {
      const reply = await listed(`${withSelector("n")}&limit=2&resourceVersion=0`);
      return [namesIn(reply), reply.body.metadata.continue];
    };
    await expect.poll(list).toEqual([["list-0", "list-1", "list-2", "list-3", "list-4"], undefined]);
  });

  it("returns remainingItemCount for a list without selector", async () => {
    const whole = namesIn(await listed("")).length;
    expect((await listed("limit=1")).body.metadata.remainingItemCount).toBe(whole - 1);
  });

  it("rejects a continue token with a resourceVersion, and a future resourceVersion", async () => {
    const first = await listed(`${withSelector("n")}&limit=2`);
    const next = encodeURIComponent(first.body.metadata.continue);
    expect(await listed(`resourceVersion=5&continue=${next}`)).toMatchObject(refusal(400, "BadRequest"));
    expect(await listed("resourceVersion=99999999")).toMatchObject(refusal(504, "Timeout"));
  });
}

/** The contract for WATCH. */
export function watchContract(server: Server): void {
  const version = async (): Promise<string> =>
    (await server().get(`${server().path("configmaps")}?limit=1`)).body.metadata.resourceVersion;
  const open = async (query: string): ReturnType<KubeServer["watch"]> =>
    server().watch(`${server().path("configmaps")}?watch=true&${query}`);

  it("sends every change after a resourceVersion, including changes before the watch was opened", async () => {
    const at = await version();
    const path = server().path("configmaps", "watch-1");
    await server().post(server().path("configmaps"), configMap("watch-1", { app: "watch-1" }));
    const watch = await open(`resourceVersion=${at}&labelSelector=app%3Dwatch-1`);
    await server().patch(path, { data: { more: "1" } });
    await server().delete(path);
    await watch.until(({ type }) => type === "DELETED");
    watch.stop();
    expect(watch.events.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    const versions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
    expect(watch.events[2]?.object).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      data: { more: "1" },
    });
  });

  it("sends DELETED for an object that no longer matches the selector, and ADDED for one that does now", async () => {
    const watch = await open(`resourceVersion=${await version()}&labelSelector=app%3Dwatch-2`);
    const path = server().path("configmaps", "watch-2");
    await server().post(server().path("configmaps"), configMap("watch-2", { app: "watch-2" }));
    await server().patch(path, { metadata: { labels: { app: "other" } } });
    await server().patch(path, { data: { ignored: "1" } });
    const back = await server().patch(path, { metadata: { labels: { app: "watch-2" } } });
    await watch.until(({ object }) => object.metadata.resourceVersion === back.body.metadata.resourceVersion);
    watch.stop();
    expect(watch.events.map(({ type }) => type)).toEqual(["ADDED", "DELETED", "ADDED"]);
    expect(watch.events[1]?.object.metadata.labels).toEqual({ app: "watch-2" });
  });

  it("starts with all existing objects at resourceVersion 0", async () => {
    await server().post(server().path("configmaps"), configMap("watch-3"));
    const watch = await open("resourceVersion=0&fieldSelector=metadata.name%3Dwatch-3");
    expect(await watch.until(() => true)).toMatchObject({
      type: "ADDED",
      object: { metadata: { name: "watch-3" } },
    });
    watch.stop();
  });

  it("sends bookmarks with new resourceVersions, and ends after timeoutSeconds", async () => {
    const query = `labelSelector=none&allowWatchBookmarks=true&timeoutSeconds=${server().watchSeconds}`;
    const watch = await open(`resourceVersion=${await version()}&${query}`);
    const { body } = await server().post(server().path("configmaps"), configMap("watch-4"));
    const at = Number(body.metadata.resourceVersion);
    const { object } = await watch.until(({ object: seen }) => Number(seen.metadata.resourceVersion) >= at);
    expect(object).toEqual({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    await watch.ended();
    expect(watch.events.every(({ type }) => type === "BOOKMARK")).toBe(true);
  });

  it("sends no bookmarks without allowWatchBookmarks", async () => {
    const watch = await open(`resourceVersion=${await version()}&labelSelector=none&timeoutSeconds=1`);
    await watch.ended();
    expect(watch.events).toEqual([]);
  });

  it("rejects a watch with an invalid selector", async () => {
    expect((await open("labelSelector=a%20in%20(b")).status).toBe(400);
  });
}
