// Each call to either API fails once: with status 500, or cut before or after its effect. In the end everything is in Prefect
// exactly once, and the Job was deleted only after that.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent, InProcessOptions } from "../support/in-process-agent.ts";
import { OWNED, startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

const POLICY = {
  ...DEFAULT_POLICY,
  startGraceMs: 1_000,
  cancelGraceMs: 50,
  exitGraceMs: 50,
  sidecarGraceMs: 50,
};
const WAIT = { timeout: 30_000, interval: 10 };

interface Scenario {
  readonly name: string;
  readonly script: PodScript;
  readonly state: string;
  /** Each matches exactly one message of the run's log. */
  readonly logged: readonly RegExp[];
  /** Called before the agent starts; the pod then does not report to Prefect. */
  readonly prepare?: (fakes: Fakes, id: string) => void;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "a Job that succeeds", script: { outcome: "succeed" }, state: "Success", logged: [] },
  {
    name: "a Job that fails",
    script: { outcome: "fail", exitCode: 3, log: "last words\n" },
    state: "Failed",
    logged: [/^Job .*: container 'flow' exited with code 3[^]*last words/],
  },
  {
    name: "an image that cannot be pulled",
    script: { outcome: "imagePull" },
    state: "Failed",
    logged: [/^Job .*: image .* cannot be pulled/, /^Event: 'Pulling'/],
  },
  {
    name: "a run that is cancelled",
    script: { outcome: "never" },
    state: "Cancelled",
    logged: [],
    prepare: (fakes, id) => fakes.prefect.setState(id, { type: "Cancelling" }),
  },
];

/** Fakes with a run whose Job exists already, so that the faults affect supervision and not the launch. */
async function runWithJob(
  scenario: Scenario,
): Promise<{ fakes: Fakes; id: string; deletedTooEarly: string[] }> {
  const deletedTooEarly: string[] = [];
  const fakes = await startFakes({
    speed: 20,
    script: () => scenario.script,
    runsFlow: () => scenario.prepare === undefined,
  });
  onTestFinished(() => fakes.stop());
  const flow = fakes.prefect.createFlow({ name: "etl" });
  const { id } = fakes.prefect.createFlowRun({ flow });
  fakes.prefect.setState(id, { type: "Submitted" });
  fakes.kube.put("jobs", jobOf(id));
  scenario.prepare?.(fakes, id);
  fakes.kube.setOnRequest(({ verb, resource }, moment) => {
    if (verb !== "delete" || resource !== "jobs" || moment !== "before") return;
    const run = fakes.prefect.flowRun(id);
    const isSettled = run?.state === scenario.state || run?.state === "Cancelling";
    if (!isSettled || logCounts(fakes, id, scenario).includes(0)) deletedTooEarly.push(`${run?.state}`);
  });
  return { fakes, id, deletedTooEarly };
}

function jobOf(id: string): { [key: string]: unknown } {
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const template = {
    metadata: { labels },
    spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }] },
  };
  const metadata = { name: "prefect-job-0a1b2c3d", namespace: "default", labels, annotations: OWNED };
  return { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } };
}

function logCounts(fakes: Fakes, id: string, { logged }: Scenario): number[] {
  const lines = fakes.prefect.logsOf(id).map(({ message }) => message ?? "");
  return logged.map((pattern) => lines.filter((line) => pattern.test(line)).length);
}

function repeatedLines(fakes: Fakes, id: string): string[] {
  const heads = fakes.prefect.logsOf(id).map(({ message }) => (message ?? "").split("\nLast lines")[0] ?? "");
  return heads.filter((head, at) => heads.indexOf(head) !== at);
}

async function agentFor(fakes: Fakes, options: InProcessOptions = {}): Promise<InProcessAgent> {
  const agent = await startInProcessAgent(fakes, {
    ...options,
    policy: { ...POLICY, ...options.policy },
  });
  onTestFinished(() => agent.stop());
  return agent;
}

/** The last calls to both APIs, for the error message of a scenario that has not ended. */
function lastCalls({ prefect, kube }: Fakes): string {
  const prefectCalls = prefect.requests.entries().slice(-12);
  const kubeCalls = kube.requests.entries.slice(-12);
  const pods = kube.list("pods").map(({ status }) => JSON.stringify(status));
  return [
    ...prefectCalls.map(({ at, fields }) => `${at.toISOString()} ${fields.join(" ")}`),
    ...kubeCalls.map(({ verb, resource }) => `${verb} ${resource}`),
    ...pods,
  ].join("\n");
}

async function expectOutcome(fakes: Fakes, id: string, scenario: Scenario): Promise<void> {
  const isOver = vi.waitFor(() => {
    expect(fakes.prefect.flowRun(id)?.state).toBe(scenario.state);
    expect(fakes.kube.list("jobs")).toEqual([]);
  }, WAIT);
  await isOver.catch((error: unknown) => {
    throw new Error(`the scenario has not ended; the last calls:\n${lastCalls(fakes)}`, { cause: error });
  });
  expect(logCounts(fakes, id, scenario)).toEqual(scenario.logged.map(() => 1));
  expect(repeatedLines(fakes, id)).toEqual([]);
  const types = fakes.prefect.history(id).map(({ type }) => type);
  expect(types.filter((type) => type === scenario.state).length).toBeLessThan(2);
}

/** How many calls a scenario makes to each API if none fails. */
const KUBE_CALLS = 12;
const PREFECT_CALLS = 12;

describe.each(SCENARIOS)("$name", (scenario) => {
  it("is reported to Prefect once", async () => {
    const { fakes, id, deletedTooEarly } = await runWithJob(scenario);
    await agentFor(fakes);
    await expectOutcome(fakes, id, scenario);
    expect(deletedTooEarly).toEqual([]);
  });

  it.each(["500", "cut before", "cut after"] as const)(
    "is reported once whichever Prefect call fails: %s",
    async (how) => {
      const calls = Array.from({ length: PREFECT_CALLS }, (_, at) => at + 1);
      await Promise.all(
        calls.map(async (nth) => {
          const { fakes, id, deletedTooEarly } = await runWithJob(scenario);
          const effect =
            how === "500"
              ? ({ kind: "status", status: 500 } as const)
              : ({ kind: "cut", when: how === "cut before" ? "before" : "after" } as const);
          fakes.prefect.fault({ effect, nth });
          await agentFor(fakes);
          await expectOutcome(fakes, id, scenario);
          expect(deletedTooEarly).toEqual([]);
        }),
      );
    },
  );

  it.each(["500", "cut before", "cut after"] as const)(
    "is reported once whichever Kubernetes call fails: %s",
    async (how) => {
      const calls = Array.from({ length: KUBE_CALLS }, (_, at) => at + 1);
      await Promise.all(
        calls.map(async (nth) => {
          const { fakes, id, deletedTooEarly } = await runWithJob(scenario);
          const action =
            how === "500"
              ? ({ kind: "answer", status: 500 } as const)
              : ({ kind: "cut", when: how === "cut before" ? "before" : "after" } as const);
          fakes.kube.faults.add({ action, nth });
          await agentFor(fakes);
          await expectOutcome(fakes, id, scenario);
          expect(deletedTooEarly).toEqual([]);
        }),
      );
    },
  );

  it("is reported once by two agents", async () => {
    const { fakes, id, deletedTooEarly } = await runWithJob(scenario);
    await agentFor(fakes);
    await agentFor(fakes);
    await expectOutcome(fakes, id, scenario);
    expect(deletedTooEarly).toEqual([]);
  });

  it.each(["write_run_logs", "set_flow_run_states"])(
    "is reported once although the agent stops right after %s",
    async (field) => {
      const { fakes, id } = await runWithJob(scenario);
      const first = await agentFor(fakes);
      let isStopped = false;
      fakes.prefect.onRequest(async (call, moment) => {
        if (isStopped || moment !== "after" || !call.fields.includes(field)) return;
        isStopped = true;
        void first.stop();
      });
      await agentFor(fakes);
      await expectOutcome(fakes, id, scenario);
      expect(logCounts(fakes, id, scenario)).toEqual(scenario.logged.map(() => 1));
    },
  );
});

describe("an agent without permission to read events", () => {
  it("logs one warning and works without them", async () => {
    const scenario = SCENARIOS[1]!;
    const { fakes, id } = await runWithJob(scenario);
    fakes.kube.forbid({ resources: ["events"] });
    const agent = await agentFor(fakes);
    await expectOutcome(fakes, id, scenario);
    await vi.waitFor(
      () =>
        expect(agent.lines.filter((line) => line.includes("Missing permission to read events"))).toHaveLength(
          1,
        ),
      WAIT,
    );
  });
});

describe("an old failed Job of a restarted run", () => {
  it("does not set the run to Failed again", async () => {
    const script = (job: Job): PodScript =>
      job.metadata.name.endsWith("0a1b2c3d") ? { outcome: "fail" } : { outcome: "never" };
    const fakes = await startFakes({ speed: 20, script });
    onTestFinished(() => fakes.stop());
    const flow = fakes.prefect.createFlow({ name: "etl" });
    const { id } = fakes.prefect.createFlowRun({ flow });
    fakes.prefect.setState(id, { type: "Running" });
    fakes.kube.put("jobs", jobOf(id));
    await agentFor(fakes, { policy: { ...POLICY, deleteFailedAfterMs: undefined } });
    await fakes.prefect.until(() => fakes.prefect.flowRun(id)?.state === "Failed", { timeoutMs: 5_000 });
    fakes.prefect.setState(id, { type: "Scheduled" });
    await fakes.prefect.until(() => fakes.prefect.flowRun(id)?.state === "Running", { timeoutMs: 12_000 });
    await vi.waitFor(
      () => expect(fakes.kube.list("pods").some(({ status }) => status?.["phase"] === "Running")).toBe(true),
      WAIT,
    );
    expect(fakes.prefect.history(id).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["Failed", "Scheduled", "Submitted", "Running"]),
    );
    expect(fakes.prefect.history(id).filter(({ type }) => type === "Failed")).toHaveLength(1);
  });
});
