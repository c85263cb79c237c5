// Concurrent state changes: the agent does not overwrite a state that was set while it decided.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import { OWNED, startFakes } from "../support/fakes.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import type { Fakes } from "../support/fakes.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 50, exitGraceMs: 50, sidecarGraceMs: 50 };
const WAIT = { timeout: 30_000, interval: 10 };

/** A Running run with a Job whose pod does not report to Prefect. */
async function runWithJob(script: PodScript, cloud = false): Promise<{ fakes: Fakes; id: string }> {
  const prefect = cloud ? { flavour: "cloud" as const, apiKey: "key", versionLocking: true } : {};
  const fakes = await startFakes({ speed: 20, script: () => script, runsFlow: () => false, prefect });
  onTestFinished(() => fakes.stop());
  const flow = fakes.prefect.createFlow({ name: "etl" });
  const { id } = fakes.prefect.createFlowRun({ flow });
  fakes.prefect.setState(id, { type: "Running" });
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name: "prefect-job-0a1b2c3d", namespace: "default", labels, annotations: OWNED };
  fakes.kube.put("jobs", { metadata, spec: { backoffLimit: 0, template } });
  return { fakes, id };
}

async function agentFor(fakes: Fakes, cloud = false): Promise<InProcessAgent> {
  const backend = cloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
  const agent = await startInProcessAgent(fakes, { ...backend, policy: POLICY });
  onTestFinished(() => agent.stop());
  return agent;
}

const typesOf = (fakes: Fakes, id: string): string[] => fakes.prefect.history(id).map(({ type }) => type);
const untilNoJobs = (fakes: Fakes): Promise<void> =>
  vi.waitFor(() => expect(fakes.kube.list("jobs")).toEqual([]), WAIT);

describe("a run whose state changes while the agent sets its final state", () => {
  it("keeps the state that was set first, if Prefect locks versions", async () => {
    const { fakes, id } = await runWithJob({ outcome: "fail" }, true);
    let isSet = false;
    fakes.prefect.onRequest((call, moment) => {
      if (isSet || moment !== "before" || !call.fields.includes("set_flow_run_states")) return;
      isSet = true;
      fakes.prefect.setState(id, { type: "Success" });
    });
    await agentFor(fakes, true);
    await untilNoJobs(fakes);
    expect(typesOf(fakes, id)).toEqual(["Scheduled", "Running", "Success"]);
  });

  it("keeps the state that was set while the agent wrote its log", async () => {
    const { fakes, id } = await runWithJob({ outcome: "fail" });
    let isSet = false;
    fakes.prefect.onRequest((call, moment) => {
      if (isSet || moment !== "after" || !call.fields.includes("write_run_logs")) return;
      isSet = true;
      // Restarted by a user: only the state's version shows the change.
      fakes.prefect.setState(id, { type: "Scheduled", start_time: "2100-01-01T00:00:00+00:00" });
      fakes.prefect.setState(id, { type: "Success" });
    });
    await agentFor(fakes);
    await untilNoJobs(fakes);
    expect(typesOf(fakes, id)).toEqual(["Scheduled", "Running", "Scheduled", "Success"]);
  });
});
