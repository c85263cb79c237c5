// Workers that outlive the decision about their run: an adaptive cluster makes new ones until its flow's process has ended, and
// old ones must not work beside a new start. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

afterEach(() => world.close());

const clusterOf = (id: string): string => `dask-${id}-03d5b8bb-0`;

function putPod(id: string, role: "scheduler" | "worker", name: string): void {
  const labels = { app: "dask", "dask.org/cluster-name": clusterOf(id), "dask.org/component": role };
  const spec = { containers: [{ name: "dask", image: "dask:1" }], nodeName: "n" };
  world.kube.put("pods", {
    metadata: { name, namespace: "default", labels },
    spec,
    status: { phase: "Running" },
  });
}

const daskPods = (id: string) =>
  world.kube
    .list("pods")
    .filter(({ metadata }) => metadata.labels?.["dask.org/cluster-name"] === clusterOf(id));

describe("an adaptive cluster, whose scheduler is in the flow's pod", () => {
  it.each(["Cancelled", "Failed", "Success", "Cancelling"])(
    "has no worker left when its run is %s while the flow takes its time to end",
    async (state) => {
      world = new World({ kube: { killMs: 25 * SECOND } });
      world.start();
      const id = world.dueRun({ script: { outcome: "never" } });
      await world.time.until(() => world.state(id) === "Running", MINUTE);
      let made = 0;
      const works = (): boolean =>
        world.kube
          .list("pods")
          .some(
            ({ metadata, status }) =>
              metadata.labels?.["prefect.io/flow_run_id"] === id && status?.["phase"] === "Running",
          );
      const living = () => daskPods(id).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const adapt = (): void => {
        while (works() && living().length < 2) putPod(id, "worker", `${clusterOf(id)}w${++made}`);
      };
      adapt();
      world.prefect.setState(id, { type: state });
      for (let second = 0; second < 5 * 60; second++) {
        await world.time.pass(SECOND);
        adapt();
      }
      expect(made).toBeGreaterThan(1);
      expect([world.jobs(id), daskPods(id)]).toEqual([[], []]);
    },
  );
});

describe("a run whose pod is evicted", () => {
  it("starts again only when its old workers have ended", async () => {
    world = new World({ kube: { killMs: 25 * SECOND } });
    world.start({ policy: { onDisruption: "retry" } });
    const id = world.dueRun({ script: { outcome: "evict", runMs: MINUTE } });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    for (const role of ["scheduler", "worker"] as const) putPod(id, role, `${clusterOf(id)}-${role}`);
    world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
    let beside = 0;
    while (world.state(id) !== "Success") {
      await world.time.pass(SECOND);
      if (world.createdJobs().length > 1) beside += daskPods(id).length;
    }
    expect(beside).toBe(0);
  });
});
