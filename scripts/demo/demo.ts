// The demo: the real agent, over HTTP, between a Prefect fake and a cluster; flow runs that each show one thing, told as
// they happen; and a judgement at the end.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { Agent } from "../../src/agent/agent.ts";
import { agentPorts } from "../../src/prefect1/agent-ports.ts";
import { loadTemplate } from "../../src/prefect1/build/template-sources.ts";
import { noMetrics } from "../../src/agent/server/progress.ts";
import type { Clock } from "../../src/base/clock.ts";
import { InterruptedError } from "../../src/base/errors.ts";
import type { Log } from "../../src/base/log.ts";
import { runAll } from "../../src/base/run-all.ts";
import { listAll } from "../../src/kube/client/api.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Palette } from "../../src/output/palette.ts";
import type { Prefect1Client } from "../../src/prefect1/client.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { startFakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { runConfigOf, SCENARIOS } from "./scenarios.ts";
import type { Role } from "./scenarios.ts";
import { fakeCluster, realCluster } from "./cluster.ts";
import type { DemoCluster } from "./cluster.ts";
import type { Facts } from "./ending.ts";
import { flowReport } from "./flow-part.ts";
import { fastClock } from "./fast-clock.ts";
import { Watcher } from "./watcher.ts";

/** What the demo works with. */
export interface DemoDeps {
  readonly clock: Clock;
  /** Aborts when the person has had enough. */
  readonly signal: AbortSignal;
  /** A line of the story. */
  readonly print: (line: string) => void;
  readonly palette: Palette;
  /** The agent's own log. */
  readonly log: Log;
  /** A real cluster; without it a fake in this process. */
  readonly kube: KubeApi | undefined;
}

const LABEL = "demo";
const BETWEEN_RUNS_MS = 200;
/** Longer than a run is scheduled ahead. */
const LONGEST_SLEEP_MS = 4_000;
const FAKE_LIMIT_MS = 20_000;
/** A fresh cluster may have to pull busybox first. */
const REAL_LIMIT_MS = 120_000;
/** Graces short enough to watch; the deletions need none. */
const POLICY = { ...DEFAULT_POLICY, startGraceMs: 2_000, cancelGraceMs: 2_000, exitGraceMs: 1_000 };
const NAME_WIDTH = Math.max(...SCENARIOS.map(({ name }) => name.length));

/** Everything that plays together. */
interface Stage {
  readonly deps: DemoDeps;
  readonly fake: FakePrefect1;
  readonly prefect: Prefect1Client;
  readonly cluster: DemoCluster;
  readonly watcher: Watcher;
}

/**
 * Runs the demo to its end and removes what it made. Answers what became of each flow run. Throws InterruptedError when
 * the signal aborts, and KubeError when a real cluster refuses.
 */
export async function runDemo(deps: DemoDeps): Promise<readonly Facts[]> {
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
): Promise<readonly Facts[]> {
  const roles = new Map<string, Role>();
  const newSuffix = (): string => crypto.randomUUID().slice(0, 4);
  const cluster =
    deps.kube === undefined
      ? await fakeCluster(deps.clock, (id) => roles.get(id))
      : await realCluster(deps.kube, { clock: deps.clock, tell: deps.print, newSuffix });
  try {
    const stage = stageFor({ deps, fake, prefect, cluster });
    for (const line of introduction(stage)) deps.print(line);
    await play(stage, roles);
    const standing: Job[] = [];
    for await (const job of listAll(cluster.kube, "jobs", { namespace: cluster.namespace }))
      standing.push(job);
    return stage.watcher.facts(standing);
  } finally {
    await cluster.leave();
  }
}

function stageFor(parts: Omit<Stage, "watcher">): Stage {
  const { deps, fake, prefect, cluster } = parts;
  const watcher: Watcher = new Watcher(
    {
      prefect: fake,
      kube: cluster.kube,
      namespace: cluster.namespace,
      clock: deps.clock,
      palette: deps.palette,
      print: deps.print,
      nameWidth: NAME_WIDTH,
      onPod: (flowRunId, pod) => playFlow({ deps, fake, prefect, watcher }, flowRunId, pod),
    },
    SCENARIOS.length,
  );
  return { ...parts, watcher };
}

function introduction({ deps, fake, cluster }: Stage): readonly string[] {
  const shown = SCENARIOS.map(({ name, shows }) => `  ${name.padEnd(NAME_WIDTH)}  ${shows}`);
  return [
    "The Kubernetes agent of Prefect 1, as `kubectl prefect agent start` runs it, between",
    `  a Prefect API inside this process (${fake.url}) and`,
    `  ${cluster.described}.`,
    "It takes these flow runs, makes a Job of each, follows the Jobs and tells Prefect how they went:",
    ...shown.map((line) => deps.palette.heading(line)),
    "The graces are shorter than an agent's usual ones, so that nobody has to wait.",
    "",
  ];
}

async function play(stage: Stage, roles: Map<string, Role>): Promise<void> {
  const { deps, watcher } = stage;
  const agent = agentFor(stage);
  const done = new AbortController();
  await runAll(
    AbortSignal.any([deps.signal, done.signal]),
    (signal) => watcher.run(signal),
    (signal) => agent.run(signal),
    async (signal) => {
      for (const role of SCENARIOS) {
        if (signal.aborted) break;
        createRun(stage, role, roles);
        agent.poke();
        await deps.clock.sleep(BETWEEN_RUNS_MS, signal);
      }
      const limitMs = deps.kube === undefined ? FAKE_LIMIT_MS : REAL_LIMIT_MS;
      await Promise.race([watcher.over, deps.clock.sleep(limitMs, signal)]);
      done.abort();
    },
  );
  if (deps.signal.aborted) throw new InterruptedError("interrupted");
}

function agentFor({ deps, fake, prefect, cluster }: Stage): Agent {
  const { kube, namespace } = cluster;
  const clock = fastClock(deps.clock, LONGEST_SLEEP_MS);
  const job = {
    namespace,
    apiUrl: fake.url,
    backend: "server",
    labels: [LABEL],
    env: {},
    sendFlowRunLogs: true,
    loggingLevel: "INFO",
    resources: {},
    safeToEvict: false,
    daskName: true,
    owner: LABEL,
  };
  const who = { name: "agent", labels: [LABEL], identity: LABEL };
  const ports = agentPorts({
    ...who,
    client: prefect,
    clock,
    scope: `${kube.clusterMark}/${namespace}`,
    job,
    template: undefined,
    loadTemplate: (source) => loadTemplate(source, { env: {}, signal: deps.signal }),
    newClaimId: () => crypto.randomUUID(),
  });
  return new Agent(
    { kube, ...ports, clock, log: deps.log, metrics: noMetrics, isDead: () => false },
    {
      ...who,
      namespace,
      apiUrl: job.apiUrl,
      policy: POLICY,
      concurrency: SCENARIOS.length,
      shutdownGraceMs: 5_000,
    },
  );
}

function createRun({ deps, fake, watcher }: Stage, role: Role, roles: Map<string, Role>): void {
  const startTime = new Date(deps.clock.now().getTime() + (role.startsInMs ?? 0));
  const flow = fake.createFlow({ name: role.name });
  const runConfig = runConfigOf(role);
  const { id } = fake.createFlowRun({ flow, name: role.name, labels: [LABEL], runConfig, startTime });
  roles.set(id, role);
  watcher.enter(role, id, startTime);
  const when = role.startsInMs === undefined ? "" : `, due in ${role.startsInMs / 1_000} s`;
  watcher.tell(id, { where: "you", what: `flow run created: Scheduled${when}` });
}

/** The flow's own reports, and the person who cancels. */
function playFlow(stage: Omit<Stage, "cluster">, flowRunId: string, pod: Pod): void {
  const { deps, fake, prefect, watcher } = stage;
  const role = watcher.roleOf(flowRunId);
  const report = flowReport(pod, fake.flowRun(flowRunId)?.state ?? "");
  if (role === undefined || report === undefined) return;
  fake.setState(flowRunId, { ...report });
  if (report.type !== "Running" || role.cancelAfterMs === undefined) return;
  void deps.clock.sleep(role.cancelAfterMs, deps.signal).then(() => {
    if (deps.signal.aborted) return;
    watcher.tell(flowRunId, { where: "you", what: "cancel the flow run" });
    return prefect.cancel(flowRunId);
  });
}
