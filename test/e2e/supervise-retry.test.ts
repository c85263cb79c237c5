// --on-disruption retry with the real Prefect 1.4.1: its pod is evicted in the middle of the run, and the run ends well all the
// same, with every number right. What was kept is not made again; what was only in the lost pod is, and the log says so.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { resumingFlow } from "../support/flows/specs.ts";
import { startAgentHere } from "./support/agent-here.ts";
import { loadFlowImage, whyNoFlowImage } from "./support/flow-image.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const absent = whyNoFlowImage();
if (absent !== undefined)
  process.stderr.write(`skipped, real Prefect flows that lose their pod: ${absent}\n`);

const PATIENCE = { timeoutMs: 150_000 };

describe.skipIf(absent !== undefined)("a flow of Prefect 1.4.1 whose pod is evicted", () => {
  const stop = new AbortController();
  let namespace: string;
  let world: ReachablePrefect;
  let image: string;
  let agent: { readonly ended: Promise<void> };

  beforeAll(async () => {
    image = loadFlowImage();
    namespace = await createNamespace("retry");
    world = await startReachablePrefect();
    const policy = { ...DEFAULT_POLICY, onDisruption: "retry" } as const;
    agent = await startAgentHere(world, { namespace, label: "retry", policy, signal: stop.signal });
  });

  afterAll(async () => {
    stop.abort();
    await agent?.ended;
    await world?.prefect.stop();
    if (namespace !== undefined) removeNamespace(namespace);
  });

  function dueRun(): string {
    const template = {
      spec: { template: { spec: { containers: [{ name: "flow" }], terminationGracePeriodSeconds: 1 } } },
    };
    const runConfig = {
      type: "KubernetesRun",
      image,
      image_pull_policy: "IfNotPresent",
      job_template: { apiVersion: "batch/v1", kind: "Job", ...template },
    };
    const flow = world.prefect.createFlow(resumingFlow());
    return world.prefect.createFlowRun({ flow, labels: ["retry"], runConfig, parameters: { seconds: 20 } })
      .id;
  }

  function evict(id: string): void {
    const pod = listed("pods", namespace).find(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
    const name = pod?.metadata.name ?? "";
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    mustKubectl(
      ["create", "--raw", `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, "-f", "-"],
      JSON.stringify(eviction),
    );
  }

  /** How often each task began to run, its children together. Logs do not tell: the last lines of a lost pod are lost. */
  function begunIn(id: string): Record<string, number> {
    const { task, task_run_state } = world.prefect.store.tables;
    const begun: Record<string, number> = {};
    for (const run of world.prefect.taskRuns(id)) {
      const slug = task.get(run.task_id)?.slug ?? "";
      const states = [...task_run_state.having("task_run_id", run.id)];
      begun[slug] = (begun[slug] ?? 0) + states.filter(({ state }) => state === "Running").length;
    }
    return begun;
  }

  const messages = (id: string): string[] => world.prefect.logsOf(id).map(({ message }) => message ?? "");
  const times = (id: string, text: string): number =>
    messages(id).filter((message) => message === text).length;

  it("ends well in another pod, with what was lost run again", async () => {
    const id = dueRun();
    await world.prefect.until(() => begunIn(id)["hold-1"] === 1, { what: "the task at work", ...PATIENCE });
    evict(id);
    const isOver = (): boolean => ["Success", "Failed"].includes(world.prefect.flowRun(id)?.state ?? "");
    await world.prefect.until(isOver, { what: "the run's end", ...PATIENCE });
    if (world.prefect.flowRun(id)?.state !== "Success") process.stderr.write(`${messages(id).join("\n")}\n`);
    expect(world.prefect.flowRun(id)?.state).toBe("Success");
    expect(world.prefect.history(id).map(({ type }) => type)).toEqual(
      "Scheduled Submitted Running Scheduled Submitted Running Success".split(" "),
    );
    expect(begunIn(id)).toEqual({
      seconds: 1,
      "extract-1": 2,
      "fetch-1": 1,
      "mail-1": 1,
      "double-1": 6,
      "hold-1": 2,
      "report-1": 1,
    });
    // Prefect's process sends its last lines after its last state.
    await world.prefect.until(() => times(id, "the total is 112") === 1, { what: "the total", ...PATIENCE });
    const warnings = world.prefect
      .logsOf(id)
      .filter(({ name, level }) => name === "k8s-infra" && level === "WARNING")
      .map(({ message }) => message?.split("\n")[0]);
    expect(warnings).toEqual([
      expect.stringMatching(/^Job .*: pod '.*' on node .* was drained from its node/),
      expect.stringMatching(
        /^After Job .*: Task runs that run again: 1 running in the lost pod \(hold\); 4 finished, but their results were stored nowhere else \(/,
      ),
    ]);
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), { timeout: 60_000, interval: 300 });
  });
});
