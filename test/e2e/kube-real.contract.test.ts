// Runs the Kubernetes contract against the cluster of KUBECONFIG, in its own namespace. The fake imitates a current Kubernetes:
// older ones differ in what the contract says of Jobs and answers.

import { randomBytes } from "node:crypto";
import { afterAll, describe } from "vitest";
import { kubeContract } from "../contract/kube-api.spec.ts";
import { KubeServer } from "../fakes/kubernetes/tests/kube-request.ts";
import { serverMinor } from "./support/kubectl.ts";
import { currentConnection } from "./support/kube-server.ts";

const CURRENT = 34;
let started: KubeServer | undefined;

describe.skipIf(serverMinor() < CURRENT)("on a current Kubernetes", () => {
  kubeContract("the real server", async () => {
    const namespace = `contract-${randomBytes(4).toString("hex")}`;
    const connection = currentConnection(namespace);
    const server = new KubeServer(connection);
    await server.post("/api/v1/namespaces", { metadata: { name: namespace } });
    started = server;
    await server.until(server.path("serviceaccounts", "default"), ({ status }) => status === 200);
    return connection;
  });

  afterAll(async () => {
    await started?.delete(`/api/v1/namespaces/${started.namespace}`);
  });
});
