// A person who runs `cleanup --yes` now and then: its own code, in a process of its own.

import { currentStates } from "../../src/cleanup/recheck.ts";
import { planCleanup } from "../../src/cleanup/plan.ts";
import { retrying } from "../../src/cleanup/retrying.ts";
import { sweep } from "../../src/cleanup/sweep.ts";
import { listCluster } from "../../src/cli/commands/cleanup/namespaces.ts";
import { prefect1Directory } from "../../src/prefect1/run-directory.ts";
import { connect } from "./connections.ts";
import { Process } from "./process.ts";
import type { Scene } from "./scene.ts";
import { prefectOrigin } from "./origins.ts";

const OLDER_THAN_MS = 60_000;

/** Cleans up one cluster, as one Prefect knows it. */
export async function cleanUp(scene: Scene, cluster: number, prefect: number): Promise<void> {
  const { world, plan } = scene;
  const process = new Process(world.time, world.random);
  const { clock } = process;
  scene.addProcess(process, { kind: "cleanup", name: "cleanup" });
  const cloud = plan.flavour === "server" ? {} : { backend: "cloud" as const, apiKey: "simulated" };
  const { kube, client } = connect(world, process, { cluster, prefect, ...cloud });
  const directory = prefect1Directory(
    { address: prefectOrigin(prefect), ui: "" },
    () => Promise.resolve(client),
    clock,
  );
  const sources = { 1: directory, 2: undefined };
  const { signal } = new AbortController();
  scene.tell(`runs in cluster ${cluster} with Prefect ${prefect}`, "cleanup");
  try {
    const { inventory } = await listCluster({ kube, sources }, undefined, { signal, dask: "all" });
    const options = {
      olderThanMs: OLDER_THAN_MS,
      jobs: true,
      dask: true,
      orphansOnly: false,
      runs: undefined,
    };
    const { items } = planCleanup(inventory, options, clock.now());
    const readStates = currentStates(sources, signal);
    await sweep({ kube: retrying(kube, clock, signal), signal, readStates }, items);
  } catch (error) {
    scene.tell(`fails: ${error instanceof Error ? error.message : String(error)}`, "cleanup");
  }
}
