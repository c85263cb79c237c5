// The demo: the real agent, over HTTP, between a fake Prefect and a cluster. Prints what happens to each flow run, and checks the
// results at the end.

import type { Agent } from "../../src/agent/agent.ts";
import { ApiObserver, runAgent } from "../../src/cli/commands/agent-start/wire.ts";
import { loadPrefectConfig } from "../../src/prefect1/config/load.ts";
import { aborted } from "../../src/base/clock.ts";
import { readTemplate } from "../../src/prefect1/build/template-sources.ts";
import { noMetrics } from "../../test/support/no-metrics.ts";
import type { Clock } from "../../src/base/clock.ts";
import { InterruptedError } from "../../src/base/errors.ts";
import type { Log } from "../../src/base/log.ts";
import { runAll } from "../../src/base/run-all.ts";
import { listAll } from "../../src/kube/client/api.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Paint } from "../../src/output/palette.ts";
import type { Prefect1Client } from "../../src/prefect1/client.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { startFakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { runConfigOf, SCENARIOS } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";
import { fakeCluster, realCluster } from "./cluster.ts";
import type { DemoCluster } from "./cluster.ts";
import type { RunResult } from "./result.ts";
import { flowReport } from "./flow-report.ts";
import { shortSleeps } from "./short-sleeps.ts";
import { Watcher } from "./watcher.ts";

/** Dependencies of the demo. */
export interface DemoDeps {
  readonly clock: Clock;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Prints a line. */
  readonly print: (line: string) => void;
  readonly paint: Paint;
  /** The agent's own log. */
  readonly log: Log;
  /** A real cluster; undefined: a fake in this process. */
  readonly kube: KubeApi | undefined;
}

const LABEL = "demo";
const BETWEEN_RUNS_MS = 200;
/** Longer than the late run is scheduled ahead. */
const LONGEST_SLEEP_MS = 4_000;
const FAKE_LIMIT_MS = 20_000;
/** A new cluster may have to pull busybox first. */
const REAL_LIMIT_MS = 120_000;
/** Short grace periods, so that nobody has to wait. */
const POLICY = { startGraceMs: 2_000, passingGraceMs: 10_000, cancelGraceMs: 2_000, exitGraceMs: 1_000 };
const NAME_WIDTH = Math.max(...SCENARIOS.map(({ name }) => name.length));

/** The parts of the demo. */
interface DemoSetup {
  readonly deps: DemoDeps;
  readonly fake: FakePrefect1;
  readonly prefect: Prefect1Client;
  readonly cluster: DemoCluster;
  readonly watcher: Watcher;
}

/**
 * Runs the demo and deletes what it created. Returns the result of each flow run. Throws InterruptedError if the signal
 * aborts, and KubeError if a request to a real cluster fails.
 */
export async function runDemo(deps: DemoDeps): Promise<readonly RunResult[]> {
  const fake = await startFakePrefect1({ clock: deps.clock });
  const prefect = connectPrefect({ url: fake.url, backend: "server", timeoutMs: 15_000 }, { env: {} });
  try {
    return await onCluster(deps, fake, prefect);
  } finally {
    prefect.close();
    await fake.stop();
  }
}

async function onCluster(
  deps: DemoDeps,
  fake: FakePrefect1,
  prefect: Prefect1Client,
): Promise<readonly RunResult[]> {
  const scenarios = new Map<string, Scenario>();
  const newSuffix = (): string => crypto.randomUUID().slice(0, 4);
  const cluster =
    deps.kube === undefined
      ? await fakeCluster(deps.clock, (id) => scenarios.get(id))
      : await realCluster(deps.kube, { clock: deps.clock, print: deps.print, newSuffix });
  try {
    const setup = setUp({ deps, fake, prefect, cluster });
    for (const line of introduction(setup)) deps.print(line);
    await runScenarios(setup, scenarios);
    const remaining: Job[] = [];
    for await (const job of listAll(cluster.kube, "jobs", { namespace: cluster.namespace }))
      remaining.push(job);
    return setup.watcher.results(remaining);
  } finally {
    await cluster.close();
  }
}

function setUp(parts: Omit<DemoSetup, "watcher">): DemoSetup {
  const { deps, fake, prefect, cluster } = parts;
  const watcher: Watcher = new Watcher(
    {
      prefect: fake,
      kube: cluster.kube,
      namespace: cluster.namespace,
      clock: deps.clock,
      paint: deps.paint,
      print: deps.print,
      nameWidth: NAME_WIDTH,
      onPod: (flowRunId, pod) => simulateFlow({ deps, fake, prefect, watcher }, flowRunId, pod),
    },
    SCENARIOS.length,
  );
  return { ...parts, watcher };
}

function introduction({ deps, fake, cluster }: DemoSetup): readonly string[] {
  const shown = SCENARIOS.map(({ name, shows }) => `  ${name.padEnd(NAME_WIDTH)}  ${shows}`);
  return [
    "The Kubernetes agent of Prefect 1, as `kubectl prefect agent start` runs it, between",
    `  a Prefect API inside this process (${fake.url}) and`,
    `  ${cluster.description}.`,
    "It creates a Job for each of these flow runs, follows the Jobs and reports their failures to Prefect:",
    ...shown.map((line) => deps.paint("heading", line)),
    "The grace periods are shorter than usual, so that you do not have to wait.",
    "",
  ];
}

async function runScenarios(setup: DemoSetup, scenarios: Map<string, Scenario>): Promise<void> {
  const { deps, watcher } = setup;
  const done = new AbortController();
  const started = Promise.withResolvers<Agent>();
  const onAgent = (agent: Agent | undefined): void => {
    if (agent !== undefined) started.resolve(agent);
  };
  await runAll(
    AbortSignal.any([deps.signal, done.signal]),
    (signal) => watcher.run(signal),
    (signal) => work(setup, onAgent, signal),
    async (signal) => {
      const agent = await Promise.race([started.promise, aborted(signal)]);
      for (const scenario of SCENARIOS) {
        if (signal.aborted) break;
        createRun(setup, scenario, scenarios);
        agent?.poke();
        await deps.clock.sleep(BETWEEN_RUNS_MS, signal);
      }
      const limitMs = deps.kube === undefined ? FAKE_LIMIT_MS : REAL_LIMIT_MS;
      await Promise.race([watcher.finished, deps.clock.sleep(limitMs, signal)]);
      done.abort();
    },
  );
  if (deps.signal.aborted) throw new InterruptedError("interrupted");
}

async function work(
  { deps, fake, prefect, cluster }: DemoSetup,
  onAgent: (agent: Agent | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const { kube, namespace } = cluster;
  const clock = shortSleeps(deps.clock, LONGEST_SLEEP_MS);
  await runAgent(
    {
      kube,
      clock,
      namespace,
      log: deps.log,
      client: prefect,
      metrics: noMetrics,
      policy: POLICY,
      observer: new ApiObserver(clock),
      config: loadPrefectConfig({
        env: {},
        readFile: () => undefined,
        flags: { backend: "server", api: fake.url },
      }),
      flags: { name: "agent", concurrency: String(SCENARIOS.length), shutdownGrace: "5s" },
      jobOptions: { namespace, labels: [LABEL] },
      readTemplate: (source) => readTemplate(source, { env: {}, signal }),
      host: "here",
      newId: () => crypto.randomUUID(),
    },
    onAgent,
    signal,
  );
}

function createRun(
  { deps, fake, watcher }: DemoSetup,
  scenario: Scenario,
  scenarios: Map<string, Scenario>,
): void {
  const startTime = new Date(deps.clock.now().getTime() + (scenario.startsInMs ?? 0));
  const flow = fake.createFlow({ name: scenario.name });
  const runConfig = runConfigOf(scenario);
  const { id } = fake.createFlowRun({ flow, name: scenario.name, labels: [LABEL], runConfig, startTime });
  scenarios.set(id, scenario);
  watcher.add(scenario, id, startTime);
  const when = scenario.startsInMs === undefined ? "" : `, due in ${scenario.startsInMs / 1_000} s`;
  watcher.print(id, { where: "you", what: `flow run created: Scheduled${when}` });
}

/** Sets the states that the flow itself would set, and cancels the run if its scenario says so. */
function simulateFlow(setup: Omit<DemoSetup, "cluster">, flowRunId: string, pod: Pod): void {
  const { deps, fake, prefect, watcher } = setup;
  const scenario = watcher.scenarioOf(flowRunId);
  const report = flowReport(pod, fake.flowRun(flowRunId)?.state ?? "");
  if (scenario === undefined || report === undefined) return;
  fake.setState(flowRunId, { ...report });
  if (report.type !== "Running" || scenario.cancelAfterMs === undefined) return;
  void deps.clock.sleep(scenario.cancelAfterMs, deps.signal).then(() => {
    if (deps.signal.aborted) return;
    watcher.print(flowRunId, { where: "you", what: "cancel the flow run" });
    return prefect.cancel(flowRunId);
  });
}
