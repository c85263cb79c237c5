// Jobs that an agent does not delete: it cannot read the state of their flow runs.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { expect, it, onTestFinished, vi } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 50, sidecarGraceMs: 50 };
const WAIT = { timeout: 30_000, interval: 10 };
const DELETED = "00000000-0000-4000-8000-00000000dead";

function putJob(fakes: Fakes, name: string, job: { readonly run: string; readonly api: string }): void {
  const labels = { "prefect.io/flow_run_id": job.run, "prefect.io/identifier": "0a1b2c3d" };
  const env = [{ name: "PREFECT__CLOUD__API", value: job.api }];
  const containers = [{ name: "flow", image: "flows:1", env }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  fakes.kube.put("jobs", {
    metadata: { name, namespace: "default", labels },
    spec: { backoffLimit: 0, template },
  });
}

it("keeps Jobs of another Prefect API and Jobs with an invalid flow run id, and deletes the Job of a deleted run", async () => {
  const fakes = await startFakes({ script: () => ({ outcome: "fail" }), runsFlow: () => false });
  onTestFinished(() => fakes.stop());
  putJob(fakes, "another-prefect", { run: DELETED, api: "http://prefect.elsewhere:4200" });
  putJob(fakes, "labelled-by-hand", { run: "try-1", api: fakes.prefect.url });
  putJob(fakes, "deleted-run", { run: DELETED.replace("dead", "beef"), api: fakes.prefect.url });
  const agent = await startInProcessAgent(fakes, { settings: { policy: POLICY } });
  onTestFinished(() => agent.stop());
  const names = (): string[] => fakes.kube.list("jobs").map(({ metadata }) => metadata.name);
  await vi.waitFor(() => expect(names()).not.toContain("deleted-run"), WAIT);
  await vi.waitFor(() => expect(fakes.prefect.requests.count("flow_run")).toBeGreaterThan(4), WAIT);
  expect(names().sort()).toEqual(["another-prefect", "labelled-by-hand"]);
});
