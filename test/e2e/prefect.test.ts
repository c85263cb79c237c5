// The real Prefect 1.4.1 in the pods: flows that the agent starts, follows and cleans up after, against the fake's API.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FlowSpec } from "../fakes/prefect1/flows.ts";
import { failingFlow, mappedFlow, retryingFlow, slowFlow } from "../support/flows/specs.ts";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { loadFlowImage, whyNoFlowImage } from "./support/flow-image.ts";
import { listed } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const absent = whyNoFlowImage();
if (absent !== undefined) process.stderr.write(`skipped, real Prefect flows: ${absent}\n`);

describe.skipIf(absent !== undefined)("a flow of Prefect 1.4.1", () => {
  let namespace: string;
  let world: ReachablePrefect;
  let agent: PluginProcess;
  let image: string;

  beforeAll(async () => {
    image = loadFlowImage();
    namespace = await createNamespace("prefect");
    world = await startReachablePrefect();
    agent = await startAgent(["-a", world.api, "-n", namespace]);
  });

  afterAll(async () => {
    await agent?.stop("SIGKILL");
    await world?.prefect.stop();
    if (namespace !== undefined) removeNamespace(namespace);
  });

  function dueRun(spec: FlowSpec, parameters: Readonly<Record<string, unknown>> = {}): string {
    const flow = world.prefect.createFlow(spec);
    const runConfig = { type: "KubernetesRun", image, image_pull_policy: "IfNotPresent" };
    return world.prefect.createFlowRun({ flow, runConfig, parameters }).id;
  }

  const stateOf = (id: string): string => world.prefect.flowRun(id)?.state ?? "";

  function untilState(id: string, state: string): Promise<void> {
    return world.prefect.until(() => stateOf(id) === state, { what: state, timeoutMs: 120_000 });
  }

  async function untilNoJobs(): Promise<void> {
    const check = (): void => expect(listed("jobs", namespace)).toEqual([]);
    await vi.waitFor(check, { timeout: 60_000, interval: 500 });
  }

  function statesByTask(id: string): Record<string, (string | null)[]> {
    const { task } = world.prefect.store.tables;
    const states: Record<string, (string | null)[]> = {};
    for (const run of world.prefect.taskRuns(id)) {
      const slug = task.get(run.task_id)?.slug ?? run.task_id;
      (states[slug] ??= []).push(run.state);
    }
    return states;
  }

  it("succeeds with its mapped task runs, and its log is in Prefect", async () => {
    const id = dueRun(mappedFlow(), { count: 4 });
    await untilState(id, "Success");
    await untilNoJobs();
    expect(statesByTask(id)).toEqual({
      count: ["Success"],
      "numbers-1": ["Success"],
      "double-1": ["Mapped", "Success", "Success", "Success", "Success"],
      "total-1": ["Success"],
    });
    const messages = world.prefect.logsOf(id).map(({ message }) => message);
    expect(messages).toEqual(expect.arrayContaining(["doubling 0", "doubling 3"]));
    expect(world.prefect.history(id).map(({ type }) => type)).toEqual([
      "Scheduled",
      "Submitted",
      "Running",
      "Success",
    ]);
  });

  it("is Failed by its task, not by us", async () => {
    const id = dueRun(failingFlow());
    await untilState(id, "Failed");
    await untilNoJobs();
    expect(statesByTask(id)).toEqual({ "explode-1": ["Failed"], "never_reached-1": ["TriggerFailed"] });
    expect(world.prefect.flowRun(id)?.state_message).toBe("Some reference tasks failed.");
    const ours = world.prefect.logsOf(id).filter(({ name }) => name === "k8s-infra");
    expect(ours.map(({ level }) => level)).not.toContain("ERROR");
  });

  it("succeeds at its task's second attempt", async () => {
    const id = dueRun(retryingFlow());
    await untilState(id, "Success");
    await untilNoJobs();
    expect(world.prefect.logsOf(id).map(({ message }) => message)).toContain("attempt 2");
  });

  it("is Cancelled by cancel_flow_run, and ends itself", async () => {
    const id = dueRun(slowFlow());
    const napping = (): boolean => statesByTask(id)["nap-1"]?.includes("Running") === true;
    await world.prefect.until(napping, { what: "the nap", timeoutMs: 120_000 });
    const input = `{ flow_run_id: "${id}" }`;
    const query = `mutation { cancel_flow_run(input: ${input}) { state } }`;
    const asked = await fetch(world.prefect.url, { method: "POST", body: JSON.stringify({ query }) });
    expect(await asked.json()).toEqual({ data: { cancel_flow_run: { state: "Cancelling" } } });
    await untilState(id, "Cancelled");
    await untilNoJobs();
    expect(statesByTask(id)["wake-1"]).not.toContain("Success");
  });
});
