// Runs Prefect 3's contract against the real server that E2E_PREFECT3 starts. Needs no cluster.

import { afterAll, describe } from "vitest";
import { prefect3Contract, type ContractRun } from "../contract/prefect3.spec.ts";
import { idOf, noPrefect3Reason, Prefect3 } from "./support/prefect3.ts";

let server: Prefect3 | undefined;

describe.skipIf(noPrefect3Reason() !== undefined)("with E2E_PREFECT3", () => {
  prefect3Contract("the real server", async () => {
    server = await Prefect3.start();
    const api = server;
    const flow_id = await api.createFlow("etl");
    const deployments = new Map<string, string>();
    const create = async (path: string, body: object): Promise<string> =>
      idOf(await api.call("POST", path, body));

    async function createRun({ name, dueAt = new Date(), pool, parent }: ContractRun): Promise<string> {
      const body = { name, state: { type: "SCHEDULED", state_details: { scheduled_time: dueAt } } };
      if (pool !== undefined) return create(`/deployments/${deployments.get(pool)}/create_flow_run`, body);
      if (parent === undefined) return create("/flow_runs/", { flow_id, ...body });
      const task = { name, flow_run_id: parent, task_key: name, dynamic_key: "0" };
      return create("/flow_runs/", {
        flow_id,
        ...body,
        parent_task_run_id: await create("/task_runs/", task),
      });
    }

    return {
      url: api.api,
      addPool: async (name, type) => {
        await api.call("POST", "/work_pools/", { name, type });
        const worker = { name: "w1", heartbeat_interval_seconds: 30 };
        await api.call("POST", `/work_pools/${name}/workers/heartbeat`, worker);
        deployments.set(name, await create("/deployments/", { name, flow_id, work_pool_name: name }));
      },
      pausePool: async (name) => void (await api.call("PATCH", `/work_pools/${name}`, { is_paused: true })),
      addRun: async (run) => {
        const id = await createRun(run);
        const { type, stateName: name = null, pid } = run;
        if (pid !== undefined) await api.call("PATCH", `/flow_runs/${id}`, { infrastructure_pid: pid });
        const state_details = { pause_reschedule: name === "Suspended" };
        if (type !== "SCHEDULED" || name !== null) await api.setState(id, { type, name, state_details });
        return id;
      },
      addLog: async (flow_run_id, line) =>
        void (await api.call("POST", "/logs/", [{ flow_run_id, name: "flow", ...line }])),
    };
  });

  afterAll(() => server?.stop());
});
