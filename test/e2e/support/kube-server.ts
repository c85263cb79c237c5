// The API server of KUBECONFIG by plain requests that do not block this process: for subresources, and for polls.

import { KubeServer } from "../../fakes/kubernetes/tests/kube-request.ts";
import type { KubeConnection } from "../../fakes/kubernetes/tests/kube-request.ts";
import { currentContext } from "./kubeconfig.ts";

/** The current context's server with its token or client certificate, for work in this namespace. */
export function currentConnection(namespace: string): KubeConnection {
  const { clusters, users } = currentContext();
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  const pem = (text: string): Buffer => Buffer.from(text, "base64");
  const ca = cluster?.["certificate-authority-data"];
  const { token, "client-certificate-data": cert, "client-key-data": key } = user ?? {};
  const hasCertificate = cert !== undefined && key !== undefined;
  if (cluster === undefined || (token === undefined && !hasCertificate))
    throw new Error("KUBECONFIG's current context has neither a token nor a client certificate");
  return {
    url: cluster.server,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    namespace,
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(hasCertificate && { cert: pem(cert), key: pem(key) }),
  };
}

export function currentServer(namespace: string): KubeServer {
  return new KubeServer(currentConnection(namespace));
}
