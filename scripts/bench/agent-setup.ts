// The setup of a figure: a namespace, a fake Prefect and an agent. All are removed at the end.

import { AgentProcess } from "./agent-process.ts";
import type { AgentStart } from "./agent-process.ts";
import { Child } from "./child.ts";
import type { Cluster, Namespace } from "./cluster.ts";
import type { BenchContext } from "./figure.ts";
import type { PrefectCommands } from "./prefect-process.ts";

export interface AgentSetup {
  readonly cluster: Cluster;
  readonly namespace: Namespace;
  readonly prefect: Child<PrefectCommands>;
  readonly agent: AgentProcess;
}

/** Starts an agent. */
type Start = (options: Omit<AgentStart, "binary">) => Promise<AgentProcess>;

/** Measures with our agent. */
export function withAgent<T>(
  context: BenchContext,
  cluster: Cluster,
  measure: (setup: AgentSetup) => Promise<T>,
): Promise<T> {
  const start: Start = (options) => AgentProcess.start({ ...options, binary: context.binary });
  return withSetup({ context, cluster, start }, measure);
}

/** Measures with Prefect's own agent; undefined if it is not available. */
export async function withOriginalAgent<T>(
  context: BenchContext,
  cluster: Cluster,
  measure: (setup: AgentSetup) => Promise<T>,
): Promise<T | undefined> {
  const { original: binary } = context;
  if (binary === undefined) return undefined;
  const start: Start = (options) => AgentProcess.startOriginal({ ...options, binary });
  return withSetup({ context, cluster, start }, measure);
}

/** Measures with an agent that waits for flow runs, and removes everything afterwards. */
async function withSetup<T>(
  {
    context,
    cluster,
    start,
  }: { readonly context: BenchContext; readonly cluster: Cluster; readonly start: Start },
  measure: (setup: AgentSetup) => Promise<T>,
): Promise<T> {
  const { kubeconfig = "" } = context;
  await using namespace = await cluster.namespace();
  await using prefect = new Child<PrefectCommands>(new URL("prefect-process.ts", import.meta.url));
  const prefectUrl = await prefect.ask("url", undefined);
  await using agent = await start({ kubeconfig, prefectUrl, namespace: namespace.name });
  return await measure({ cluster, namespace, prefect, agent });
}
