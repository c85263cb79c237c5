// Whose word counts: a state that somebody else wrote while the agent made up its mind is not overwritten, and of several agents
// one settles a run.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startAgentHere } from "../support/agent-here.ts";
import { startWorld } from "../support/world.ts";
import type { AgentHere } from "../support/agent-here.ts";
import type { World } from "../support/world.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 50, exitGraceMs: 50, sidecarGraceMs: 50 };
const PATIENCE = { timeout: 30_000, interval: 10 };
/** Whose turns are half a second apart and more. */
const AGENTS = ["one", "two", "agent"];

/** A run with a Job, which its pod does not tell Prefect of. */
async function standing(script: PodScript, cloud = false): Promise<{ world: World; id: string }> {
  const prefect = cloud ? { flavour: "cloud" as const, apiKey: "key", versionLocking: true } : {};
  const world = await startWorld({ script: () => script, doesRun: () => false, prefect });
  onTestFinished(() => world.stop());
  const flow = world.prefect.createFlow({ name: "story" });
  const { id } = world.prefect.createFlowRun({ flow });
  world.prefect.setState(id, { type: "Running" });
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name: "prefect-job-0a1b2c3d", namespace: "default", labels };
  world.kube.put("jobs", { metadata, spec: { backoffLimit: 0, template } });
  return { world, id };
}

async function agentFor(world: World, name: string, cloud = false): Promise<AgentHere> {
  const backend = cloud ? ({ backend: "cloud", apiKey: "key" } as const) : {};
  const agent = await startAgentHere(world, { name, ...backend, settings: { policy: POLICY } });
  onTestFinished(() => agent.stop());
  return agent;
}

const typesOf = (world: World, id: string): string[] => world.prefect.history(id).map(({ type }) => type);
const noJobs = (world: World): Promise<void> =>
  vi.waitFor(() => expect(world.kube.list("jobs")).toEqual([]), PATIENCE);

describe("a run that changes while it is settled", () => {
  it("keeps the state that came first, where Prefect locks versions", async () => {
    const { world, id } = await standing({ fate: "fail" }, true);
    let isSet = false;
    world.prefect.onRequest((call, moment) => {
      if (isSet || moment !== "before" || !call.fields.includes("set_flow_run_states")) return;
      isSet = true;
      world.prefect.setState(id, { type: "Success" });
    });
    await agentFor(world, "agent", true);
    await noJobs(world);
    expect(typesOf(world, id)).toEqual(["Scheduled", "Running", "Success"]);
  });

  it("keeps the state that came while its story was told", async () => {
    const { world, id } = await standing({ fate: "fail" });
    let isSet = false;
    world.prefect.onRequest((call, moment) => {
      if (isSet || moment !== "after" || !call.fields.includes("write_run_logs")) return;
      isSet = true;
      // Started again by somebody; nothing but the version tells that it is not the same Running.
      world.prefect.setState(id, { type: "Scheduled", start_time: "2100-01-01T00:00:00+00:00" });
      world.prefect.setState(id, { type: "Success" });
    });
    await agentFor(world, "agent");
    await noJobs(world);
    expect(typesOf(world, id)).toEqual(["Scheduled", "Running", "Scheduled", "Success"]);
  });
});

describe("three agents", () => {
  it("fail a run once", async () => {
    const { world, id } = await standing({ fate: "fail" });
    await Promise.all(AGENTS.map((name) => agentFor(world, name)));
    await noJobs(world);
    expect(typesOf(world, id)).toEqual(["Scheduled", "Running", "Failed"]);
  });

  it("fail a run once whose Job somebody deletes", async () => {
    const { world, id } = await standing({ fate: "never" });
    const agents = await Promise.all(AGENTS.map((name) => agentFor(world, name)));
    await vi.waitFor(() => {
      expect(agents.filter(({ lines }) => lines.some((line) => line.includes("Waiting for")))).toHaveLength(
        3,
      );
      expect(world.kube.list("pods").map(({ status }) => status?.["phase"])).toEqual(["Running"]);
    }, PATIENCE);
    world.kube.remove("jobs", "default", "prefect-job-0a1b2c3d");
    await vi.waitFor(() => expect(world.prefect.flowRun(id)?.state).toBe("Failed"), PATIENCE);
    await noJobs(world);
    expect(typesOf(world, id)).toEqual(["Scheduled", "Running", "Failed"]);
    const errors = world.prefect.logsOf(id).filter(({ level }) => level === "ERROR");
    expect(errors).toHaveLength(1);
  });

  it("say Cancelled once", async () => {
    const { world, id } = await standing({ fate: "never" });
    world.prefect.setState(id, { type: "Cancelling" });
    await Promise.all(AGENTS.map((name) => agentFor(world, name)));
    await vi.waitFor(() => expect(world.prefect.flowRun(id)?.state).toBe("Cancelled"), PATIENCE);
    await noJobs(world);
    expect(typesOf(world, id)).toEqual(["Scheduled", "Running", "Cancelling", "Cancelled"]);
  });
});
