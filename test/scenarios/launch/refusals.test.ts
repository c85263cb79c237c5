// Runs for which no Job can be created: the reason is in the run's state and, once, in its log.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import { startAgentProcess } from "../support/agent-process.ts";
import { dueRun, eventually, logMessages } from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;
let agent: InProcessAgent;

beforeEach(async () => {
  fakes = await startFakes();
  agent = await startInProcessAgent(fakes);
});

afterEach(async () => {
  await agent.stop();
  await fakes.stop();
});

async function failureOf(id: string): Promise<string> {
  agent.poke();
  await eventually(() => expect(fakes.prefect.flowRun(id)?.state).toBe("Failed"));
  const { state_message: message } = fakes.prefect.flowRun(id) ?? {};
  const lines = fakes.prefect.logsOf(id).map(({ level, name, message: text }) => ({ level, name, text }));
  expect(lines).toEqual([{ level: "ERROR", name: "agent", text: message }]);
  expect(fakes.jobsOf(id)).toEqual([]);
  return message ?? "";
}

describe("a run without a possible Job becomes Failed with the reason", () => {
  it("when its run config is not a KubernetesRun", async () => {
    const id = dueRun(fakes, { runConfig: { type: "LocalRun" } });
    expect(await failureOf(id)).toMatch(/LocalRun/);
  });

  it("when its job template does not exist", async () => {
    const id = dueRun(fakes, {
      runConfig: { type: "KubernetesRun", job_template_path: "/nowhere/template.yaml" },
    });
    expect(await failureOf(id)).toBe(
      'cannot use job template "/nowhere/template.yaml": there is no such file where the agent runs',
    );
  });

  it("when the API server rejects the Job", async () => {
    const message =
      'Job.batch "prefect-job-1" is invalid: spec.template.spec.containers[0].image: Required value';
    fakes.kube.fault({
      effect: { kind: "status", status: 422, message },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
    });
    expect(await failureOf(dueRun(fakes))).toBe(`Kubernetes Error: ${message}`);
  });
});

describe("a run that is cancelled while the agent cannot create its Job", () => {
  it("stays Cancelled and gets no Job", async () => {
    const fault = fakes.kube.fault({
      effect: { kind: "status", status: 503 },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
      times: Number.POSITIVE_INFINITY,
    });
    const id = dueRun(fakes);
    agent.poke();
    const rejected = { verb: "create", resource: "jobs", status: 503 };
    await eventually(() => expect(fakes.kube.requests.count(rejected)).toBeGreaterThan(0));
    fakes.prefect.setState(id, { type: "Cancelled" });
    fault.remove();
    await eventually(() => expect(agent.lines.join()).toContain("The flow run no longer needs a Job"));
    expect(fakes.prefect.flowRun(id)?.state).toBe("Cancelled");
    expect(fakes.jobsOf(id)).toEqual([]);
    expect(logMessages(fakes, id)).toEqual([]);
  });
});

describe("an API key that Prefect rejects", () => {
  it.each(["401", "errors"] as const)("ends the agent with exit code 3 (%s)", async (unauthorized) => {
    const cloud = await startFakes({ prefect: { flavour: "cloud", apiKey: "right", unauthorized } });
    const child = await startAgentProcess(cloud, ["--backend=cloud", "--key=wrong-key"]);
    expect(await child.ended).toBe(3);
    expect(child.output()).toMatch(/^error: cannot .*$/m);
    expect(child.output()).toContain("hint: check the API key");
    expect(child.output()).not.toContain("wrong-key");
    await cloud.stop();
  });
});
