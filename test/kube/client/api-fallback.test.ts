// A server that serves PodDisruptionBudgets only as policy/v1beta1, like Kubernetes 1.20.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";

const OLDER = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets";
const BUDGET = { kind: "PodDisruptionBudget", metadata: { name: "dask-1", namespace: "default", uid: "u1" } };
const UNSERVED = {
  kind: "Status",
  status: "Failure",
  message: "the server could not find the requested resource",
  reason: "NotFound",
  details: {},
  code: 404,
};
const MISSING = { kind: "Status", status: "Failure", reason: "NotFound", message: "not found", code: 404 };

let server: Server;
let kubeconfig: string;
let inPlainText = false;
const requested: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    requested.push(`${request.method} ${path}`);
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (path === OLDER)
      answer(200, { kind: "PodDisruptionBudgetList", metadata: { resourceVersion: "1" }, items: [BUDGET] });
    else if (path === `${OLDER}/dask-1`) answer(200, BUDGET);
    else if (path.startsWith("/apis/policy/v1beta1/") || path.startsWith("/api/v1/")) answer(404, MISSING);
    else if (inPlainText)
      response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
    else answer(404, UNSERVED);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: url } }],
    contexts: [{ name: "x", context: { cluster: "c" } }],
    "current-context": "x",
  });
});

async function connect(): Promise<KubeApi> {
  const readFile = (path: string): string | undefined => (path === "/kubeconfig" ? kubeconfig : undefined);
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  return (await connectKube({ kubeconfig: "/kubeconfig", requestTimeoutMs: 5_000 }, deps)).kube;
}

afterAll(() => void server.close());

describe.each([
  ["Kubernetes 1.20", false],
  ["current Kubernetes", true],
])("the fallback to an older API version, with the 404 of %s", (_, plainText) => {
  let kube: KubeApi;

  beforeAll(async () => {
    inPlainText = plainText;
    kube = await connect();
  });
  afterAll(() => kube.close());

  it("requests the older version, and from then on directly", async () => {
    const page = await kube.listPage("poddisruptionbudgets", { namespace: "default" });
    expect(page.items.map(({ metadata }) => metadata.name)).toEqual(["dask-1"]);
    requested.length = 0;
    const ref = { namespace: "default", name: "dask-1" };
    expect((await kube.get("poddisruptionbudgets", ref))?.metadata.uid).toBe("u1");
    expect(await kube.delete("poddisruptionbudgets", ref, { uid: "u1" })).toBe("deleted");
    expect(requested).toEqual([`GET ${OLDER}/dask-1`, `DELETE ${OLDER}/dask-1`]);
  });

  it("is not used for a missing object", async () => {
    expect(await kube.get("pods", { namespace: "default", name: "gone" })).toBeUndefined();
    expect(await kube.get("poddisruptionbudgets", { namespace: "default", name: "gone" })).toBeUndefined();
  });

  it("is not used for APIs without an older version", async () => {
    await expect(kube.listPage("jobs", { namespace: "default" })).rejects.toThrow(/404|could not find/i);
  });
});
