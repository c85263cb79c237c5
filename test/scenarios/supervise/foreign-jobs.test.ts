// Jobs of flow runs that the agent's Prefect does not have: which it deletes. In virtual time.

import { afterEach, expect, it } from "vitest";
import { ownerText } from "../../../src/job/owner.ts";
import { World } from "../../simulation/world.ts";
import { putRunJob } from "../support/run-job.ts";

const MINUTE = 60_000;
const DELETED = "00000000-0000-4000-8000-00000000dead";

const world = new World();
afterEach(() => world.close());

it("keeps Jobs of another tenant and Jobs with an invalid flow run id, and deletes the Job of a deleted run", async () => {
  const other = { name: "agent", labels: [], tenantId: "another", process: "p" };
  putRunJob(world.kube, DELETED, {
    name: "another-tenant",
    annotations: { "prefect.io/agent": ownerText(other) },
  });
  putRunJob(world.kube, "try-1", { name: "labelled-by-hand" });
  putRunJob(world.kube, DELETED.replace("dead", "beef"), { name: "deleted-run" });
  world.start();
  await world.time.pass(30 * MINUTE);
  const names = world.kube.list("jobs").map(({ metadata }) => metadata.name);
  expect(names.sort()).toEqual(["another-tenant", "labelled-by-hand"]);
});
