// The real Prefect 1.4.1 in the pods, with the fake Prefect API: flows that the agent launches, supervises and cleans up.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlowSpec } from "../fakes/prefect1/flows.ts";
import { failingFlow, mappedFlow, retryingFlow, slowFlow } from "../support/flows/specs.ts";
import { loadFlowImage, noFlowImageReason } from "./support/flow-image.ts";
import { TestSetup } from "./support/test-setup.ts";

const absent = noFlowImageReason();
if (absent !== undefined) process.stderr.write(`skipped, real Prefect flows: ${absent}\n`);

describe.skipIf(absent !== undefined)("a flow of Prefect 1.4.1", () => {
  let setup: TestSetup;
  let image: string;

  beforeAll(async () => {
    image = loadFlowImage();
    setup = await TestSetup.open("prefect");
    await setup.startAgent();
  });

  afterAll(() => setup?.close());

  function dueRun(spec: FlowSpec, parameters: Readonly<Record<string, unknown>> = {}): string {
    const flow = setup.prefect.createFlow(spec);
    const runConfig = { type: "KubernetesRun", image, image_pull_policy: "IfNotPresent" };
    return setup.prefect.createFlowRun({ flow, runConfig, parameters }).id;
  }

  function statesByTask(id: string): Record<string, (string | null)[]> {
    const { task } = setup.prefect.store.tables;
    const states: Record<string, (string | null)[]> = {};
    for (const run of setup.prefect.taskRuns(id)) {
      const slug = task.get(run.task_id)?.slug ?? run.task_id;
      (states[slug] ??= []).push(run.state);
    }
    return states;
  }

  it("succeeds with mapped task runs, and its log is in Prefect", async () => {
    const id = dueRun(mappedFlow(), { count: 4 });
    await setup.untilState(id, "Success");
    await setup.untilNoJobs();
    expect(statesByTask(id)).toEqual({
      count: ["Success"],
      "numbers-1": ["Success"],
      "double-1": ["Mapped", "Success", "Success", "Success", "Success"],
      "total-1": ["Success"],
    });
    const messages = setup.prefect.logsOf(id).map(({ message }) => message);
    expect(messages).toEqual(expect.arrayContaining(["doubling 0", "doubling 3"]));
    expect(setup.prefect.statesOf(id)).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
  });

  it("is set to Failed by Prefect when its task fails, not by the agent", async () => {
    const id = dueRun(failingFlow());
    await setup.untilState(id, "Failed");
    await setup.untilNoJobs();
    expect(statesByTask(id)).toEqual({ "explode-1": ["Failed"], "never_reached-1": ["TriggerFailed"] });
    expect(setup.prefect.flowRun(id)?.state_message).toBe("Some reference tasks failed.");
    const agentLines = setup.prefect.logsOf(id).filter(({ name }) => name === "k8s-infra");
    expect(agentLines.map(({ level }) => level)).not.toContain("ERROR");
  });

  it("succeeds at the second attempt of its task", async () => {
    const id = dueRun(retryingFlow());
    await setup.untilState(id, "Success");
    await setup.untilNoJobs();
    expect(setup.prefect.logsOf(id).map(({ message }) => message)).toContain("attempt 2");
  });

  it("ends itself and becomes Cancelled after cancel_flow_run", async () => {
    const id = dueRun(slowFlow());
    const isRunning = (): boolean => statesByTask(id)["nap-1"]?.includes("Running") === true;
    await setup.prefect.until(isRunning, { what: "a running task", timeoutMs: 120_000 });
    const input = `{ flow_run_id: "${id}" }`;
    const query = `mutation { cancel_flow_run(input: ${input}) { state } }`;
    const response = await fetch(setup.prefect.url, { method: "POST", body: JSON.stringify({ query }) });
    expect(await response.json()).toEqual({ data: { cancel_flow_run: { state: "Cancelling" } } });
    await setup.untilState(id, "Cancelled");
    await setup.untilNoJobs();
    expect(statesByTask(id)["wake-1"]).not.toContain("Success");
  });
});
