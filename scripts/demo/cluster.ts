// Where the demo's Jobs go: a fake inside this process, or a namespace of its own in a real cluster.

import type { Clock } from "../../src/base/clock.ts";
import { ExpectedError } from "../../src/base/errors.ts";
import { flowRunIdOf } from "../../src/job/labels.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { fateOf } from "./scenarios.ts";
import type { Role } from "./scenarios.ts";

/** A cluster that is ready for the demo. */
export interface DemoCluster {
  readonly kube: KubeApi;
  readonly namespace: string;
  /** For the introduction. */
  readonly described: string;
  /** Removes all that the demo made, and frees sockets. Throws KubeError when that failed. */
  readonly leave: () => Promise<void>;
}

const FAKE_NAMESPACE = "prefect-demo";
const REMOVAL_MS = 60_000;
const LOOK_MS = 500;
const NAMES = 3;

/** A cluster inside this process; `roleOf` says which role a flow run plays. */
export async function fakeCluster(
  clock: Clock,
  roleOf: (flowRunId: string) => Role | undefined,
): Promise<DemoCluster> {
  const fake = await startFakeKubernetes({
    clock,
    namespaces: [FAKE_NAMESPACE],
    script: (job) => {
      const role = roleOf(flowRunIdOf(job.metadata) ?? "");
      return role === undefined ? "succeed" : fateOf(role.life);
    },
  });
  const { kube } = await connectKube(
    { kubeconfig: "fake" },
    {
      // The process's own kubeconfig and proxies have no business here.
      env: {},
      home: undefined,
      clock,
      readFile: () => fake.kubeconfig(),
      userAgent: "kubectl-prefect-demo",
    },
  );
  return {
    kube,
    namespace: FAKE_NAMESPACE,
    described: `a Kubernetes API server inside this process (${fake.url})`,
    leave: async () => {
      kube.close();
      await fake.stop();
    },
  };
}

/** What a real cluster needs beside its API. */
export interface RealClusterDeps {
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly tell: (line: string) => void;
  /** Four characters that nobody else has. */
  readonly newSuffix: () => string;
}

/** A new namespace in a real cluster. Throws KubeError when it may not be made. */
export async function realCluster(kube: KubeApi, deps: RealClusterDeps): Promise<DemoCluster> {
  const namespace = await createNamespace(kube, deps.newSuffix);
  deps.tell(`Namespace ${namespace} created; it is removed at the end.`);
  return {
    kube,
    namespace,
    described: `the cluster at ${kube.server}, in namespace ${namespace}`,
    leave: () => removeNamespace(kube, namespace, deps),
  };
}

async function createNamespace(kube: KubeApi, newSuffix: () => string): Promise<string> {
  for (let tries = 0; tries < NAMES; tries++) {
    const name = `prefect-demo-${newSuffix()}`;
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    if ((await kube.create("namespaces", body)) === "created") return name;
  }
  throw new ExpectedError("cannot create a namespace for the demo: the names tried are taken");
}

async function removeNamespace(kube: KubeApi, name: string, deps: RealClusterDeps): Promise<void> {
  const { clock, tell } = deps;
  const ref = { namespace: "", name };
  const untilMs = clock.now().getTime() + REMOVAL_MS;
  tell(`Removing namespace ${name} ...`);
  await kube.delete("namespaces", ref);
  while ((await kube.get("namespaces", ref)) !== undefined) {
    if (clock.now().getTime() > untilMs)
      return tell(`Namespace ${name} is still being removed by the cluster.`);
    await clock.sleep(LOOK_MS);
  }
  tell(`Namespace ${name} is gone.`);
}
