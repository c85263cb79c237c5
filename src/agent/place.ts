// Reads what tells a cluster and namespace from others.

import { jsonIn, objectIn, textIn } from "../base/json.ts";
import type { Place } from "../orchestrator/place.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { isForbidden } from "../kube/client/errors.ts";

/** The place of a namespace, as far as the user may read it. `token`: the pod's own. Throws KubeError if the API does not answer. */
export async function readPlace(
  kube: Pick<KubeApi, "get" | "clusterId">,
  namespace: string,
  token?: string,
): Promise<Place> {
  const [namespaceUid, clusterUid] = await Promise.all(
    [namespace, "kube-system"].map((name) => uidOf(kube, name)),
  );
  return { namespace, namespaceUid, clusterUid, accountUid: accountUidIn(token ?? ""), ca: kube.clusterId };
}

async function uidOf(kube: Pick<KubeApi, "get">, name: string): Promise<string | undefined> {
  try {
    return (await kube.get("namespaces", { namespace: "", name }))?.metadata.uid;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** The uid of the ServiceAccount in a token that Kubernetes has signed; undefined for other tokens. */
function accountUidIn(token: string): string | undefined {
  const claims = objectIn(jsonIn(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
  const account = objectIn(objectIn(claims["kubernetes.io"])["serviceaccount"]);
  return textIn(account["uid"]) ?? textIn(claims["kubernetes.io/serviceaccount/service-account.uid"]);
}
