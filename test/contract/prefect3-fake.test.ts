// Runs Prefect 3's contract against the fake.

import { afterAll } from "vitest";
import { startFakePrefect3, type FakePool } from "../fakes/prefect3/fake-prefect3.ts";
import { prefect3Contract } from "./prefect3.spec.ts";

const started: { stop(): Promise<void> }[] = [];

prefect3Contract("the fake", async () => {
  const server = await startFakePrefect3();
  started.push(server);
  const { fake, url } = server;
  const pools = new Map<string, FakePool>();
  let runs = 0;
  return {
    url,
    addPool: async (name, type) => {
      const last_heartbeat_time = new Date().toISOString();
      const workers = [{ name: "w1", last_heartbeat_time, heartbeat_interval_seconds: 30 }];
      pools.set(name, { name, type, workers, queues: [{ id: `queue of ${name}`, name: "default" }] });
      fake.putPool(pools.get(name) ?? { name });
    },
    pausePool: async (name) => fake.putPool({ ...pools.get(name), name, is_paused: true }),
    addRun: async ({ name, type, stateName, dueAt = new Date(), pool, parent, pid }) => {
      const id = `${++runs}0000000-0000-4000-8000-000000000000`;
      const ofPool = { work_pool_name: pool, work_queue_id: `queue of ${pool}`, work_queue_name: "default" };
      const run = {
        id,
        name,
        state: {
          type,
          timestamp: new Date(Date.now() + runs).toISOString(),
          ...(stateName !== undefined && { name: stateName }),
        },
        ...(pool !== undefined && { deployment_id: `deployment of ${pool}`, ...ofPool }),
        ...(type === "SCHEDULED" && { next_scheduled_start_time: dueAt.toISOString() }),
        ...(pid !== undefined && { infrastructure_pid: pid }),
      };
      if (parent === undefined) fake.put(run);
      else fake.putSubflow(run, parent);
      return id;
    },
    addLog: async (flow_run_id, line) => fake.log({ flow_run_id, name: "flow", ...line }),
  };
});

afterAll(async () => {
  for (const server of started) await server.stop();
});
