// The demo's cluster: a fake in this process, or a temporary namespace in a real cluster.

import type { Clock } from "../../src/base/clock.ts";
import { ExpectedError } from "../../src/base/errors.ts";
import { flowRunIdOf } from "../../src/job/labels.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { outcomeOf } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";

/** A cluster for the demo. */
export interface DemoCluster {
  readonly kube: KubeApi;
  readonly namespace: string;
  /** For the introduction. */
  readonly description: string;
  /** Deletes what the demo created, and closes connections. Throws KubeError if that fails. */
  readonly close: () => Promise<void>;
}

const FAKE_NAMESPACE = "prefect-demo";
const REMOVAL_MS = 60_000;
const POLL_MS = 500;
const MAX_TRIES = 3;

/** A fake cluster in this process; `scenarioOf` returns the scenario of a flow run. */
export async function fakeCluster(
  clock: Clock,
  scenarioOf: (flowRunId: string) => Scenario | undefined,
): Promise<DemoCluster> {
  const fake = await startFakeKubernetes({
    clock,
    namespaces: [FAKE_NAMESPACE],
    script: (job) => {
      const scenario = scenarioOf(flowRunIdOf(job.metadata) ?? "");
      return scenario === undefined ? "succeed" : outcomeOf(scenario.process);
    },
  });
  const { kube } = await connectKube(
    { kubeconfig: "fake" },
    {
      // Without the user's kubeconfig and proxies.
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
    description: `a Kubernetes API server inside this process (${fake.url})`,
    close: async () => {
      kube.close();
      await fake.stop();
    },
  };
}

/** Dependencies of a real cluster. */
export interface RealClusterDeps {
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly print: (line: string) => void;
  /** Four random characters. */
  readonly newSuffix: () => string;
}

/** Creates a namespace in a real cluster. Throws KubeError without permission. */
export async function realCluster(kube: KubeApi, deps: RealClusterDeps): Promise<DemoCluster> {
  const namespace = await createNamespace(kube, deps.newSuffix);
  deps.print(`Namespace ${namespace} created; it is removed at the end.`);
  return {
    kube,
    namespace,
    description: `the cluster at ${kube.server}, in namespace ${namespace}`,
    close: () => removeNamespace(kube, namespace, deps),
  };
}

async function createNamespace(kube: KubeApi, newSuffix: () => string): Promise<string> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const name = `prefect-demo-${newSuffix()}`;
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    if ((await kube.create("namespaces", body, { namespace: "" })) === "created") return name;
  }
  throw new ExpectedError("cannot create a namespace for the demo: the names that were tried exist already");
}

async function removeNamespace(kube: KubeApi, name: string, deps: RealClusterDeps): Promise<void> {
  const { clock, print } = deps;
  const ref = { namespace: "", name };
  const untilMs = clock.now().getTime() + REMOVAL_MS;
  print(`Removing namespace ${name} ...`);
  await kube.delete("namespaces", ref);
  while ((await kube.get("namespaces", ref)) !== undefined) {
    if (clock.now().getTime() > untilMs)
      return print(`Namespace ${name} is still being removed by the cluster.`);
    await clock.sleep(POLL_MS);
  }
  print(`Namespace ${name} is gone.`);
}
