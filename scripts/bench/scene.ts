// The scene of a figure: a namespace, a Prefect of its own, and an agent between the two, which all go at its end.

import { AgentProcess } from "./agent-process.ts";
import type { AgentStart } from "./agent-process.ts";
import { Child } from "./child.ts";
import type { Cluster, Namespace } from "./cluster.ts";
import type { World } from "./figure.ts";
import type { PrefectCommands } from "./prefect-process.ts";

export interface Scene {
  readonly cluster: Cluster;
  readonly namespace: Namespace;
  readonly prefect: Child<PrefectCommands>;
  readonly agent: AgentProcess;
}

/** Starts an agent there. */
type Start = (places: Omit<AgentStart, "binary">) => Promise<AgentProcess>;

/** The scene with our agent. */
export function onScene<T>(world: World, cluster: Cluster, play: (scene: Scene) => Promise<T>): Promise<T> {
  const start: Start = (places) => AgentProcess.start({ ...places, binary: world.binary });
  return on({ world, cluster, start }, play);
}

/** The same with Prefect's own agent; undefined when that is not at hand. */
export async function onOriginalScene<T>(
  world: World,
  cluster: Cluster,
  play: (scene: Scene) => Promise<T>,
): Promise<T | undefined> {
  const { original: binary } = world;
  if (binary === undefined) return undefined;
  const start: Start = (places) => AgentProcess.startOriginal({ ...places, binary });
  return on({ world, cluster, start }, play);
}

/** Plays with an agent that waits for flow runs, and clears up whatever comes of it. */
async function on<T>(
  { world, cluster, start }: { readonly world: World; readonly cluster: Cluster; readonly start: Start },
  play: (scene: Scene) => Promise<T>,
): Promise<T> {
  const { kubeconfig = "" } = world;
  await using namespace = await cluster.namespace();
  await using prefect = new Child<PrefectCommands>(new URL("prefect-process.ts", import.meta.url));
  const prefectUrl = await prefect.ask("url", undefined);
  await using agent = await start({ kubeconfig, prefectUrl, namespace: namespace.name });
  return await play({ cluster, namespace, prefect, agent });
}
