// The real Prefect 1.4.1 in the pods, with the fake Prefect API: flows that the agent launches, supervises and cleans up.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FlowSpec } from "../fakes/prefect1/flows.ts";
import { failingFlow, mappedFlow, retryingFlow, slowFlow } from "../support/flows/specs.ts";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { loadFlowImage, noFlowImageReason } from "./support/flow-image.ts";
import { listed } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const absent = noFlowImageReason();
if (absent !== undefined) process.stderr.write(`skipped, real Prefect flows: ${absent}\n`);

describe.skipIf(absent !== undefined)("a flow of Prefect 1.4.1", () => {
  let namespace: string;
  let reachable: ReachablePrefect;
  let agent: PluginProcess;
  let image: string;

  beforeAll(async () => {
    image = loadFlowImage();
    namespace = await createNamespace("prefect");
    reachable = await startReachablePrefect();
    agent = await startAgent(["-a", reachable.api, "-n", namespace]);
  });

  afterAll(async () => {
    await agent?.stop("SIGKILL");
    await reachable?.prefect.stop();
    if (namespace !== undefined) removeNamespace(namespace);
  });

  function dueRun(spec: FlowSpec, parameters: Readonly<Record<string, unknown>> = {}): string {
    const flow = reachable.prefect.createFlow(spec);
    const runConfig = { type: "KubernetesRun", image, image_pull_policy: "IfNotPresent" };
    return reachable.prefect.createFlowRun({ flow, runConfig, parameters }).id;
  }

  const stateOf = (id: string): string => reachable.prefect.flowRun(id)?.state ?? "";

  function untilState(id: string, state: string): Promise<void> {
    return reachable.prefect.until(() => stateOf(id) === state, { what: state, timeoutMs: 120_000 });
  }

  async function untilNoJobs(): Promise<void> {
    const check = (): void => expect(listed("jobs", namespace)).toEqual([]);
    await vi.waitFor(check, { timeout: 60_000, interval: 500 });
  }

  function statesByTask(id: string): Record<string, (string | null)[]> {
    const { task } = reachable.prefect.store.tables;
    const states: Record<string, (string | null)[]> = {};
    for (const run of reachable.prefect.taskRuns(id)) {
      const slug = task.get(run.task_id)?.slug ?? run.task_id;
      (states[slug] ??= []).push(run.state);
    }
    return states;
  }

  it("succeeds with mapped task runs, and its log is in Prefect", async () => {
    const id = dueRun(mappedFlow(), { count: 4 });
    await untilState(id, "Success");
    await untilNoJobs();
    expect(statesByTask(id)).toEqual({
      count: ["Success"],
      "numbers-1": ["Success"],
      "double-1": ["Mapped", "Success", "Success", "Success", "Success"],
      "total-1": ["Success"],
    });
    const messages = reachable.prefect.logsOf(id).map(({ message }) => message);
    expect(messages).toEqual(expect.arrayContaining(["doubling 0", "doubling 3"]));
    expect(reachable.prefect.history(id).map(({ type }) => type)).toEqual([
      "Scheduled",
      "Submitted",
      "Running",
      "Success",
    ]);
  });

  it("is set to Failed by Prefect when its task fails, not by the agent", async () => {
    const id = dueRun(failingFlow());
    await untilState(id, "Failed");
    await untilNoJobs();
    expect(statesByTask(id)).toEqual({ "explode-1": ["Failed"], "never_reached-1": ["TriggerFailed"] });
    expect(reachable.prefect.flowRun(id)?.state_message).toBe("Some reference tasks failed.");
    const agentLines = reachable.prefect.logsOf(id).filter(({ name }) => name === "k8s-infra");
    expect(agentLines.map(({ level }) => level)).not.toContain("ERROR");
  });

  it("succeeds at the second attempt of its task", async () => {
    const id = dueRun(retryingFlow());
    await untilState(id, "Success");
    await untilNoJobs();
    expect(reachable.prefect.logsOf(id).map(({ message }) => message)).toContain("attempt 2");
  });

  it("ends itself and becomes Cancelled after cancel_flow_run", async () => {
    const id = dueRun(slowFlow());
    const isRunning = (): boolean => statesByTask(id)["nap-1"]?.includes("Running") === true;
    await reachable.prefect.until(isRunning, { what: "a running task", timeoutMs: 120_000 });
    const input = `{ flow_run_id: "${id}" }`;
    const query = `mutation { cancel_flow_run(input: ${input}) { state } }`;
    const response = await fetch(reachable.prefect.url, { method: "POST", body: JSON.stringify({ query }) });
    expect(await response.json()).toEqual({ data: { cancel_flow_run: { state: "Cancelling" } } });
    await untilState(id, "Cancelled");
    await untilNoJobs();
    expect(statesByTask(id)["wake-1"]).not.toContain("Success");
  });
});
