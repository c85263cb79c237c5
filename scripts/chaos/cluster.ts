// The cluster under chaos: the fake, or a real one behind a proxy. Either way it tells of every Job ever made.
// On a control plane alone the pods are played.

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
import { fateOf, playPod, tell } from "./pods.ts";
import type { Proxy } from "./proxy.ts";
import { startProxy } from "./proxy.ts";

export interface ChaosCluster {
  readonly name: string;
  readonly namespace: string;
  /** The kubeconfig that leads the agents through the proxy. */
  readonly kubeconfig: string;
  readonly proxy: Proxy;
  /** Every Job that was ever seen: uid → flow run and name. */
  readonly made: ReadonlyMap<string, { readonly flowRunId: string; readonly name: string }>;
  jobsLeft(): number;
  /** Watches from older versions answer 410. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

/** The fake; its pods play the flow's part in Prefect. */
export async function fakeCluster(prefect: FakePrefect1): Promise<ChaosCluster> {
  const fake = await startFakeKubernetes({
    script: (job) => {
      const { exitCode, seconds } = fateOf(prefect, job);
      if (exitCode === undefined) return "imagePull";
      return { fate: exitCode === 0 ? "succeed" : "fail", exitCode, runMs: seconds * 1_000 };
    },
    onPhase: (job, _pod, phase) => {
      if (phase === "Running") tell(prefect, job, "Running");
      if (phase === "Succeeded") tell(prefect, job, "Success");
    },
  });
  const port = Number(new URL(fake.url).port);
  const text = fake.kubeconfig();
  return observed("the fake", "default", {
    text,
    port,
    compact: () => Promise.resolve(fake.compact()),
    stop: () => fake.stop(),
  });
}

export interface RealOptions {
  /** The address of its etcd, for compaction. */
  readonly etcd: string | undefined;
  readonly prefect: FakePrefect1;
}

/** A real cluster, in a namespace of its own. */
export async function realCluster(path: string, { etcd, prefect }: RealOptions): Promise<ChaosCluster> {
  const text = readFileSync(path, "utf8");
  const { kube, target } = await direct(text);
  const cluster = await Cluster.of(path);
  const namespace = await cluster.namespace();
  const stopping = new AbortController();
  const nodes = await cluster.send({ method: "GET", path: "/api/v1/nodes" });
  const hasNodes = arrayIn(objectIn(JSON.parse(nodes.body))["items"]).length > 0;
  const playing = hasNodes
    ? undefined
    : playPods(kube, cluster, { prefect, namespace: namespace.name, signal: stopping.signal });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await playing;
    await namespace[Symbol.asyncDispose]();
    cluster[Symbol.dispose]();
    kube.close();
  };
  return observed(hasNodes ? target.server : `${target.server}, whose pods are played`, namespace.name, {
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

/** Plays each pod of a flow run as it appears. */
async function playPods(
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
    keep: (pod) => pod,
    onChange: (change) => {
      if (change.type === "set" && change.before === undefined) void playPod(cluster, prefect, change.object);
    },
  });
  await reflector.run(signal);
}

interface Behind {
  readonly text: string;
  readonly port: number;
  readonly compact: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function observed(name: string, namespace: string, behind: Behind): Promise<ChaosCluster> {
  const proxy = await startProxy(behind.port);
  const { kube } = await direct(behind.text);
  const made = new Map<string, { flowRunId: string; name: string }>();
  const reflector = new Reflector<"jobs", Job>({
    kube,
    clock: systemClock,
    resource: "jobs",
    query: { namespace, labelSelector: FLOW_RUN_LABEL },
    relistMs: 600_000,
    keep: (job) => job,
    onChange: ({ object: { metadata } }) => {
      made.set(metadata.uid, { flowRunId: metadata.labels?.[FLOW_RUN_LABEL] ?? "", name: metadata.name });
    },
  });
  const stopping = new AbortController();
  const watching = reflector.run(stopping.signal);
  await reflector.synced;
  const kubeconfig = throughProxy(behind.text, proxy.port, namespace);
  return {
    name,
    namespace,
    kubeconfig,
    proxy,
    made,
    jobsLeft: () => reflector.size,
    compact: behind.compact,
    stop: async () => {
      stopping.abort();
      await watching;
      kube.close();
      await proxy.stop();
      await behind.stop();
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
