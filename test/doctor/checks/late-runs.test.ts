// doctor's check of late flow runs of Prefect 2 and 3.

import { expect, it } from "vitest";
import { objectIn } from "../../../src/base/json.ts";
import { runId, startTestCluster } from "../../inventory/test-cluster.ts";
import { fakePrefect3 } from "../../support/prefect3.ts";

it("groups late runs of Prefect 2 and 3 by what they wait for", async () => {
  const { cli } = await startTestCluster();
  const { fake, url } = await fakePrefect3();
  const findings = async (): Promise<readonly unknown[]> => {
    const { stdout } = await cli(["doctor", "-o", "json"], { env: { PREFECT_API_URL: url } });
    const { findings: all } = JSON.parse(stdout) as { findings: readonly object[] };
    return all
      .map(objectIn)
      .filter(({ check }) => check === "late flow runs" || check === "Prefect API")
      .map(({ status, message, details = [], hint, look }) => [status, message, details, hint ?? look]);
  };
  expect(await findings()).toEqual([["ok", "none", [], undefined]]);
  const at = new Date(Date.now() - 300_000).toISOString();
  const queues = ["a", "b"].map((name) => ({ id: `queue-${name}`, name, status: "READY" }));
  const workers = [{ name: "w1", last_heartbeat_time: new Date().toISOString() }];
  fake.putPool({ name: "held", is_paused: true, queues });
  fake.putPool({ name: "k8s", queues, workers });
  for (const [index, [name = "", pool = "", queue = ""]] of [
    ["one", "held", "a"],
    ["two", "held", "b"],
    ["three", "k8s", "a"],
  ].entries())
    fake.put({
      id: runId(index + 1),
      name,
      state: { type: "SCHEDULED", name: "Late" },
      deployment_id: "d",
      next_scheduled_start_time: at,
      work_pool_name: pool,
      work_queue_name: queue,
      work_queue_id: `queue-${queue}`,
    });
  const taken = 'worker "w1" of work pool "k8s" takes such runs; its log tells why not yet';
  expect(await findings()).toEqual([
    ["warning", `1 flow run late by up to 5m: ${taken}`, ["three"], `kubectl prefect inspect ${runId(3)}`],
    [
      "warning",
      '2 flow runs late by up to 5m: work pool "held" is paused',
      ["two, one"],
      "resume it with: prefect work-pool resume held",
    ],
  ]);
});
