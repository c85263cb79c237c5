// Runs that cannot become a Job: their owner reads why, once, in the run's log and in its state.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere } from "../support/agent-here.ts";
import { startAgentProcess } from "../support/agent-process.ts";
import { dueRun, eventually, linesOf } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;
let agent: AgentHere;

beforeEach(async () => {
  world = await startWorld();
  agent = await startAgentHere(world);
});

afterEach(async () => {
  await agent.stop();
  await world.stop();
});

async function failureOf(id: string): Promise<string> {
  agent.poke();
  await eventually(() => expect(world.prefect.flowRun(id)?.state).toBe("Failed"));
  const { state_message: message } = world.prefect.flowRun(id) ?? {};
  const lines = world.prefect.logsOf(id).map(({ level, name, message: text }) => ({ level, name, text }));
  expect(lines).toEqual([{ level: "ERROR", name: "agent", text: message }]);
  expect(world.jobsOf(id)).toEqual([]);
  return message ?? "";
}

describe("a run that cannot become a Job is failed with the reason", () => {
  it("when it is not for Kubernetes", async () => {
    const id = dueRun(world, { runConfig: { type: "LocalRun" } });
    expect(await failureOf(id)).toMatch(/LocalRun/);
  });

  it("when its template is nowhere", async () => {
    const id = dueRun(world, {
      runConfig: { type: "KubernetesRun", job_template_path: "/nowhere/template.yaml" },
    });
    expect(await failureOf(id)).toBe(
      'cannot use job template "/nowhere/template.yaml": there is no such file where the agent runs',
    );
  });

  it("when the agent may not create Jobs", async () => {
    world.kube.forbid({ verbs: ["create"], resources: ["jobs"] });
    expect(await failureOf(dueRun(world))).toMatch(/^Kubernetes Error: jobs\.batch is forbidden: /);
  });

  it("when the API server does not take the Job", async () => {
    const message =
      'Job.batch "prefect-job-1" is invalid: spec.template.spec.containers[0].image: Required value';
    world.kube.faults.add({
      action: { kind: "answer", status: 422, message },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
    });
    expect(await failureOf(dueRun(world))).toBe(`Kubernetes Error: ${message}`);
  });
});

describe("a run that was cancelled while the agent could not create its Job", () => {
  it("is left as it is", async () => {
    const off = world.kube.faults.add({
      action: { kind: "answer", status: 503 },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
      times: Number.POSITIVE_INFINITY,
    });
    const id = dueRun(world);
    agent.poke();
    const refused = { verb: "create", resource: "jobs", status: 503 };
    await eventually(() => expect(world.kube.requests.count(refused)).toBeGreaterThan(0));
    world.prefect.setState(id, { type: "Cancelled" });
    off();
    await eventually(() => expect(agent.lines.join()).toContain("The flow run needs no Job any more"));
    expect(world.prefect.flowRun(id)?.state).toBe("Cancelled");
    expect(world.jobsOf(id)).toEqual([]);
    expect(linesOf(world, id)).toEqual([]);
  });
});

describe("an API key that Prefect does not accept", () => {
  it.each(["401", "errors"] as const)("ends the agent with exit code 3 (%s)", async (unauthorized) => {
    const cloud = await startWorld({ prefect: { flavour: "cloud", apiKey: "right", unauthorized } });
    const child = await startAgentProcess(cloud, ["--backend=cloud", "--key=wrong-key"]);
    expect(await child.ended).toBe(3);
    expect(child.output()).toMatch(/^error: cannot .*$/m);
    expect(child.output()).toContain("hint: check the API key");
    expect(child.output()).not.toContain("wrong-key");
    await cloud.stop();
  });
});
