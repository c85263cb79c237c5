// The cluster of the chaos test: the fake, or a real one, behind a proxy. Records every Job that was created. On a control plane
// without nodes, the pods are simulated.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { arrayIn, objectIn } from "../../src/base/json.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import { Reflector } from "../../src/kube/cache/reflector.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { Cluster } from "../bench/cluster.ts";
import { outcomeOf, simulatePod, reportState } from "./pods.ts";
import type { Proxy } from "./proxy.ts";
import { startProxy } from "./proxy.ts";

export interface ChaosCluster {
  readonly name: string;
  readonly namespace: string;
  /** The agents' kubeconfig, with the proxy's address. */
  readonly kubeconfig: string;
  readonly proxy: Proxy;
  /** Every Job that was created: uid → flow run and name. */
  readonly created: ReadonlyMap<string, { readonly flowRunId: string; readonly name: string }>;
  remainingJobs(): number;
  /** Compacts the history: watches from older versions fail with 410. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

/** The fake; its pods set their flow run's state. */
export async function fakeCluster(prefect: FakePrefect1): Promise<ChaosCluster> {
  const fake = await startFakeKubernetes({
    script: (job) => {
      const { exitCode, seconds } = outcomeOf(prefect, job);
      if (exitCode === undefined) return "imagePull";
      return { outcome: exitCode === 0 ? "succeed" : "fail", exitCode, runMs: seconds * 1_000 };
    },
    onPhase: (job, _pod, phase) => {
      if (phase === "Running") reportState(prefect, job, "Running");
      if (phase === "Succeeded") reportState(prefect, job, "Success");
    },
  });
  const port = Number(new URL(fake.url).port);
  const text = fake.kubeconfig();
  return withProxy("the fake", "default", {
    text,
    port,
    compact: () => Promise.resolve(fake.compact()),
    stop: () => fake.stop(),
  });
}

export interface RealOptions {
  /** Address of etcd, for compaction. */
  readonly etcd: string | undefined;
  readonly prefect: FakePrefect1;
}

/** A real cluster, in a new namespace. */
export async function realCluster(path: string, { etcd, prefect }: RealOptions): Promise<ChaosCluster> {
  const text = readFileSync(path, "utf8");
  const { kube, target } = await direct(text);
  const cluster = await Cluster.of(path);
  const namespace = await cluster.namespace();
  const stopping = new AbortController();
  const nodes = await cluster.send({ method: "GET", path: "/api/v1/nodes" });
  const hasNodes = arrayIn(objectIn(JSON.parse(nodes.body))["items"]).length > 0;
  const simulation = hasNodes
    ? undefined
    : simulatePods(kube, cluster, { prefect, namespace: namespace.name, signal: stopping.signal });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await simulation;
    await namespace[Symbol.asyncDispose]();
    cluster[Symbol.dispose]();
    kube.close();
  };
  return withProxy(hasNodes ? target.server : `${target.server}, with simulated pods`, namespace.name, {
    text,
    port: Number(new URL(target.server).port),
    compact: () => compactEtcd(etcd),
    stop,
  });
}

async function compactEtcd(etcd: string | undefined): Promise<void> {
  if (etcd === undefined) return;
  const call = (what: string, body: object): Promise<Response> =>
    fetch(`${etcd}/v3/kv/${what}`, { method: "POST", body: JSON.stringify(body) });
  const found = (await (await call("range", { key: "AA==", limit: 1 })).json()) as {
    header: { revision: string };
  };
  await call("compaction", { revision: found.header.revision });
}

/** Simulates each new pod of a flow run. */
async function simulatePods(
  kube: KubeApi,
  cluster: Cluster,
  { prefect, namespace, signal }: { prefect: FakePrefect1; namespace: string; signal: AbortSignal },
): Promise<void> {
  const reflector = new Reflector<"pods", Pod>({
    kube,
    clock: systemClock,
    resource: "pods",
    query: { namespace, labelSelector: FLOW_RUN_LABEL },
    relistMs: 600_000,
    transform: (pod) => pod,
    onChange: (change) => {
      if (change.type === "set" && change.before === undefined)
        void simulatePod(cluster, prefect, change.object);
    },
  });
  await reflector.run(signal);
}

interface Upstream {
  readonly text: string;
  readonly port: number;
  readonly compact: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function withProxy(name: string, namespace: string, upstream: Upstream): Promise<ChaosCluster> {
  const proxy = await startProxy(upstream.port);
  const { kube } = await direct(upstream.text);
  const created = new Map<string, { flowRunId: string; name: string }>();
  const reflector = new Reflector<"jobs", Job>({
    kube,
    clock: systemClock,
    resource: "jobs",
    query: { namespace, labelSelector: FLOW_RUN_LABEL },
    relistMs: 600_000,
    transform: (job) => job,
    onChange: ({ object: { metadata } }) => {
      created.set(metadata.uid, { flowRunId: metadata.labels?.[FLOW_RUN_LABEL] ?? "", name: metadata.name });
    },
  });
  const stopping = new AbortController();
  const watching = reflector.run(stopping.signal);
  await reflector.synced;
  const kubeconfig = throughProxy(upstream.text, proxy.port, namespace);
  return {
    name,
    namespace,
    kubeconfig,
    proxy,
    created,
    remainingJobs: () => reflector.size,
    compact: upstream.compact,
    stop: async () => {
      stopping.abort();
      await watching;
      kube.close();
      await proxy.stop();
      await upstream.stop();
      rmSync(dirname(kubeconfig), { recursive: true });
    },
  };
}

async function direct(text: string): Promise<{ kube: KubeApi; target: { readonly server: string } }> {
  const readFile = (path: string): string | undefined => (path === "/kubeconfig" ? text : undefined);
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "chaos" };
  return connectKube({ kubeconfig: "/kubeconfig" }, deps);
}

function throughProxy(text: string, port: number, namespace: string): string {
  const config = parse(text) as {
    clusters: { cluster: { server: string } }[];
    contexts: { context: { namespace?: string } }[];
  };
  for (const { cluster } of config.clusters) {
    const url = new URL(cluster.server);
    cluster.server = `${url.protocol}//127.0.0.1:${port}`;
  }
  for (const { context } of config.contexts) context.namespace = namespace;
  const path = join(mkdtempSync(join(tmpdir(), "chaos-kubeconfig-")), "kubeconfig");
  writeFileSync(path, stringify(config));
  return path;
}
