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

/** Plays with an agent that waits for flow runs, and clears up whatever comes of it. */
export function onScene<T>(world: World, cluster: Cluster, play: (scene: Scene) => Promise<T>): Promise<T> {
  return onSceneWith(
    (places) => AgentProcess.start({ ...places, binary: world.binary }),
    world,
    cluster,
    play,
  );
}

/** The same with Prefect's own agent: the `prefect` that is named. */
export function onOriginalScene<T>(
  binary: string,
  world: World,
  cluster: Cluster,
  play: (scene: Scene) => Promise<T>,
): Promise<T> {
  return onSceneWith((places) => AgentProcess.startOriginal({ ...places, binary }), world, cluster, play);
}

async function onSceneWith<T>(
  start: (places: Omit<AgentStart, "binary">) => Promise<AgentProcess>,
  { kubeconfig = "" }: World,
  cluster: Cluster,
  play: (scene: Scene) => Promise<T>,
): Promise<T> {
  await using namespace = await cluster.namespace();
  await using prefect = new Child<PrefectCommands>(new URL("prefect-process.ts", import.meta.url));
  const prefectUrl = await prefect.ask("url", undefined);
  await using agent = await start({ kubeconfig, prefectUrl, namespace: namespace.name });
  return await play({ cluster, namespace, prefect, agent });
}
