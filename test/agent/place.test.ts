// What an agent can read of its place, with and without permissions.

import { describe, expect, it } from "vitest";
import { readPlace } from "../../src/agent/place.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { KubeError } from "../../src/kube/client/errors.ts";

function token(claims: object): string {
  return ["header", Buffer.from(JSON.stringify(claims)).toString("base64url"), "signature"].join(".");
}

/** A cluster whose namespaces have these uids; `status`: what reading the others answers. */
function kube(uids: Readonly<Record<string, string>>, status = 403): Pick<KubeApi, "get" | "clusterId"> {
  return {
    clusterId: "ca",
    get: ((_resource: string, { name }: { name: string }) => {
      const uid = uids[name];
      if (uid === undefined) throw new KubeError("read", "no", { status, reason: "" });
      return Promise.resolve({ metadata: { name, uid } });
    }) as unknown as KubeApi["get"],
  };
}

describe("the agent's place", () => {
  it.each([
    {
      name: "both namespaces",
      uids: { flows: "n", "kube-system": "c" },
      want: { namespaceUid: "n", clusterUid: "c" },
    },
    {
      name: "only its own namespace",
      uids: { flows: "n" },
      want: { namespaceUid: "n", clusterUid: undefined },
    },
    { name: "neither", uids: {}, want: { namespaceUid: undefined, clusterUid: undefined } },
  ])("has what may be read: $name", async ({ uids, want }) => {
    expect(await readPlace(kube(uids), "flows")).toEqual({
      namespace: "flows",
      accountUid: undefined,
      ca: "ca",
      ...want,
    });
  });

  it.each([
    {
      name: "a bound token",
      text: token({ "kubernetes.io": { namespace: "flows", serviceaccount: { name: "agent", uid: "a" } } }),
      want: "a",
    },
    {
      name: "a token of a Secret, as before Kubernetes 1.21",
      text: token({ "kubernetes.io/serviceaccount/service-account.uid": "b" }),
      want: "b",
    },
    { name: "a token of another issuer", text: token({ sub: "jim" }), want: undefined },
    { name: "no JSON Web Token", text: "abcdef.0123456789abcdef", want: undefined },
    { name: "no token", text: undefined, want: undefined },
  ])("has the ServiceAccount's uid by $name: $want", async ({ text, want }) => {
    expect((await readPlace(kube({}), "flows", text)).accountUid).toBe(want);
  });

  it("cannot be read while the API does not answer", async () => {
    await expect(readPlace(kube({}, 503), "flows")).rejects.toThrow("cannot read");
  });
});
