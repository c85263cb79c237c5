// --on-disruption retry with the real Prefect 1.4.1: the pod is evicted in the middle of the run, and the run still succeeds. Tasks
// with stored results do not run again; lost tasks and tasks with lost results do, and the log lists them.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resumingFlow } from "../support/flows/specs.ts";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import { loadFlowImage, noFlowImageReason } from "./support/flow-image.ts";
import { countsDeletedPods } from "./support/kubectl.ts";
import { currentServer } from "./support/kube-server.ts";
import { evictPod } from "./support/disturbances.ts";
import { TestSetup } from "./support/test-setup.ts";

const absent = noFlowImageReason();
if (absent !== undefined)
  process.stderr.write(`skipped, real Prefect flows that lose their pod: ${absent}\n`);

const WAIT = { timeoutMs: 150_000 };

describe.skipIf(absent !== undefined || !countsDeletedPods())(
  "a flow of Prefect 1.4.1 whose pod is evicted",
  () => {
    const stop = new AbortController();
    let setup: TestSetup;
    let image: string;
    let agent: { readonly ended: Promise<void> };

    beforeAll(async () => {
      image = loadFlowImage();
      setup = await TestSetup.open("retry");
      const policy = { ...DEFAULT_POLICY, onDisruption: "retry" } as const;
      agent = await startInProcessAgent(setup, {
        namespace: setup.namespace,
        label: "retry",
        policy,
        signal: stop.signal,
      });
    });

    afterAll(async () => {
      stop.abort();
      await agent?.ended;
      await setup?.close();
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
      const flow = setup.prefect.createFlow(resumingFlow());
      return setup.prefect.createFlowRun({
        flow,
        labels: ["retry"],
        runConfig,
        parameters: { seconds: 20 },
      }).id;
    }

    /** How often each task, with its mapped children, started. Not from logs: those of a lost pod are incomplete. */
    function startsIn(id: string): Record<string, number> {
      const { task, task_run_state } = setup.prefect.store.tables;
      const starts: Record<string, number> = {};
      for (const run of setup.prefect.taskRuns(id)) {
        const slug = task.get(run.task_id)?.slug ?? "";
        const states = [...task_run_state.having("task_run_id", run.id)];
        starts[slug] = (starts[slug] ?? 0) + states.filter(({ state }) => state === "Running").length;
      }
      return starts;
    }

    const messages = (id: string): string[] => setup.prefect.logsOf(id).map(({ message }) => message ?? "");
    const times = (id: string, text: string): number =>
      messages(id).filter((message) => message === text).length;

    it("succeeds in another pod and runs the lost tasks again", async () => {
      const id = dueRun();
      await setup.prefect.until(() => startsIn(id)["hold-1"] === 1, { what: "a running task", ...WAIT });
      await evictPod({ id, server: currentServer(setup.namespace) });
      const isOver = (): boolean => ["Success", "Failed"].includes(setup.prefect.stateOf(id) ?? "");
      await setup.prefect.until(isOver, { what: "the run's end", ...WAIT });
      if (setup.prefect.stateOf(id) !== "Success") process.stderr.write(`${messages(id).join("\n")}\n`);
      expect(setup.prefect.stateOf(id)).toBe("Success");
      expect(setup.prefect.statesOf(id)).toEqual(
        "Scheduled Submitted Running Scheduled Submitted Running Success".split(" "),
      );
      expect(startsIn(id)).toEqual({
        seconds: 1,
        "extract-1": 2,
        "fetch-1": 1,
        "mail-1": 1,
        "double-1": 6,
        "hold-1": 2,
        "report-1": 1,
      });
      // Prefect's process sends its last log lines after its last state.
      await setup.prefect.until(() => times(id, "the total is 112") === 1, {
        what: "the total",
        ...WAIT,
      });
      const warnings = setup.prefect
        .logsOf(id)
        .filter(({ name, level }) => name === "k8s-infra" && level === "WARNING")
        .map(({ message }) => message?.split("\n")[0]);
      expect(warnings).toEqual([
        expect.stringMatching(/^Job .*: pod '.*' on node .* was drained from its node/),
        expect.stringMatching(
          /^After Job .*: Task runs that run again: 1 running in the lost pod \(hold\); 4 finished, but their results were stored nowhere else \(/,
        ),
      ]);
      await setup.untilNoJobs();
    });
  },
);
