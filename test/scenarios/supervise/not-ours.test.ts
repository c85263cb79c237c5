// Jobs that an agent does not touch, because it cannot know what became of their runs.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { expect, it, onTestFinished, vi } from "vitest";
import { startAgentHere } from "../support/agent-here.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 50, sidecarGraceMs: 50 };
const PATIENCE = { timeout: 30_000, interval: 10 };
const DELETED = "00000000-0000-4000-8000-00000000dead";

function put(world: World, name: string, made: { readonly run: string; readonly api: string }): void {
  const labels = { "prefect.io/flow_run_id": made.run, "prefect.io/identifier": "0a1b2c3d" };
  const env = [{ name: "PREFECT__CLOUD__API", value: made.api }];
  const containers = [{ name: "flow", image: "flows:1", env }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  world.kube.put("jobs", {
    metadata: { name, namespace: "default", labels },
    spec: { backoffLimit: 0, template },
  });
}

it("are those of another Prefect, and those labelled by hand; the Job of a deleted run goes", async () => {
  const world = await startWorld({ script: () => ({ fate: "fail" }), doesRun: () => false });
  onTestFinished(() => world.stop());
  put(world, "another-prefect", { run: DELETED, api: "http://prefect.elsewhere:4200" });
  put(world, "labelled-by-hand", { run: "try-1", api: world.prefect.url });
  put(world, "deleted-run", { run: DELETED.replace("dead", "beef"), api: world.prefect.url });
  const agent = await startAgentHere(world, { settings: { policy: POLICY } });
  onTestFinished(() => agent.stop());
  const names = (): string[] => world.kube.list("jobs").map(({ metadata }) => metadata.name);
  await vi.waitFor(() => expect(names()).not.toContain("deleted-run"), PATIENCE);
  await vi.waitFor(() => expect(world.prefect.requests.count("flow_run")).toBeGreaterThan(4), PATIENCE);
  expect(names().sort()).toEqual(["another-prefect", "labelled-by-hand"]);
});
