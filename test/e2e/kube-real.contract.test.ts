// Runs the Kubernetes contract against the cluster of KUBECONFIG, in its own namespace.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll } from "vitest";
import { parse } from "yaml";
import { kubeContract } from "../contract/kube-api.spec.ts";
import { KubeServer } from "../fakes/kubernetes/tests/kube-request.ts";
import type { KubeConnection } from "../fakes/kubernetes/tests/kube-request.ts";

interface Kubeconfig {
  readonly "current-context": string;
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: { readonly server: string; readonly "certificate-authority-data"?: string };
  }[];
  readonly users: readonly { readonly name: string; readonly user: { readonly token?: string } }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
}

/** The current context's server and token. */
function connectionOf(config: Kubeconfig, namespace: string): KubeConnection {
  const context = config.contexts.find(({ name }) => name === config["current-context"])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const token = config.users.find(({ name }) => name === context?.user)?.user.token;
  if (cluster === undefined || token === undefined)
    throw new Error("KUBECONFIG's current context has no token");
  const ca = cluster["certificate-authority-data"];
  return {
    url: cluster.server,
    headers: { authorization: `Bearer ${token}` },
    namespace,
    ...(ca === undefined ? {} : { ca: Buffer.from(ca, "base64") }),
  };
}

let started: KubeServer | undefined;

kubeContract("the real server", async () => {
  const file = process.env["KUBECONFIG"];
  if (file === undefined) throw new Error("KUBECONFIG does not name a cluster");
  const namespace = `contract-${randomBytes(4).toString("hex")}`;
  const connection = connectionOf(parse(readFileSync(file, "utf8")) as Kubeconfig, namespace);
  const server = new KubeServer(connection);
  await server.post("/api/v1/namespaces", { metadata: { name: namespace } });
  started = server;
  await server.until(server.path("serviceaccounts", "default"), ({ status }) => status === 200);
  return connection;
});

afterAll(async () => {
  await started?.delete(`/api/v1/namespaces/${started.namespace}`);
});
