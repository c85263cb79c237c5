// Jobs that an agent does not delete: it cannot read the state of their flow runs.

import { ownerText } from "../../../src/job/owner.ts";
import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { expect, it, onTestFinished, vi } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import { OWNED, startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 50, sidecarGraceMs: 50 };
const WAIT = { timeout: 30_000, interval: 10 };
const DELETED = "00000000-0000-4000-8000-00000000dead";

// oxlint-disable-next-line max-params -- the last one differs once
function putJob(fakes: Fakes, name: string, run: string, annotations: Record<string, string> = OWNED): void {
  const labels = { "prefect.io/flow_run_id": run, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  fakes.kube.put("jobs", {
    metadata: { name, namespace: "default", labels, annotations },
    spec: { backoffLimit: 0, template },
  });
}

it("keeps Jobs of another tenant and Jobs with an invalid flow run id, and deletes the Job of a deleted run", async () => {
  const fakes = await startFakes({ speed: 20, script: () => ({ outcome: "fail" }), runsFlow: () => false });
  onTestFinished(() => fakes.stop());
  const other = { name: "agent", labels: [], tenantId: "another", process: "p" };
  putJob(fakes, "another-tenant", DELETED, { "prefect.io/agent": ownerText(other) });
  putJob(fakes, "labelled-by-hand", "try-1");
  putJob(fakes, "deleted-run", DELETED.replace("dead", "beef"));
  const agent = await startInProcessAgent(fakes, { policy: POLICY });
  onTestFinished(() => agent.stop());
  const names = (): string[] => fakes.kube.list("jobs").map(({ metadata }) => metadata.name);
  await vi.waitFor(() => expect(names()).not.toContain("deleted-run"), WAIT);
  await vi.waitFor(() => expect(fakes.prefect.requests.count("flow_run")).toBeGreaterThan(4), WAIT);
  expect(names().sort()).toEqual(["another-tenant", "labelled-by-hand"]);
});
