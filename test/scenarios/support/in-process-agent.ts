// The agent in this process, connected to the fakes over real HTTP, and wired as `agent start` wires it.

import { Agent } from "../../../src/agent/agent.ts";
import { agentPorts } from "../../../src/prefect1/agent-ports.ts";
import { jobSettings } from "../../../src/prefect1/config/job-settings.ts";
import { loadTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { noMetrics } from "../../../src/agent/server/agent-metrics.ts";
import type { AgentMetrics } from "../../../src/agent/server/agent-metrics.ts";
import type { AgentSettings } from "../../../src/agent/settings.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { createLog } from "../../../src/base/log.ts";
import { agentSettings } from "../../../src/cli/commands/agent-start/settings.ts";
import type { AgentFlags } from "../../../src/cli/commands/agent-start/settings.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { connectPrefect } from "../../../src/prefect1/connect.ts";
import type { Fakes } from "./fakes.ts";

/** What differs from an agent without options. */
export interface InProcessOptions {
  readonly name?: string;
  readonly labels?: readonly string[];
  /** The scope in claims; without it, the fake cluster's. */
  readonly scope?: string;
  readonly settings?: Partial<AgentSettings>;
  /** Sleeps longer than a second, such as those between recoveries, take 50 ms. */
  readonly shortSleeps?: boolean;
  /** Replaces the system clock. */
  readonly clock?: Clock;
  /** Receives the loops' progress; without it, no metrics are kept. */
  readonly metrics?: AgentMetrics;
  readonly backend?: "cloud" | "server";
  readonly apiKey?: string;
}

export interface InProcessAgent {
  readonly lines: readonly string[];
  /** Settles as `Agent.run` does. */
  readonly ended: Promise<void>;
  poke(): void;
  /** Stops the agent and waits for its end. */
  stop(): Promise<void>;
}

const NO_FLAGS: AgentFlags = {
  name: undefined,
  agentConfigId: undefined,
  jobTemplate: undefined,
  maxPolls: undefined,
  limit: undefined,
  concurrency: undefined,
  startGrace: undefined,
  pendingTimeout: undefined,
  onDisruption: undefined,
  cancelGrace: undefined,
  deleteSucceededAfter: undefined,
  deleteFailedAfter: undefined,
  disableJobDeletion: undefined,
  shutdownGrace: undefined,
};

const SHORT_SLEEPS: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms > 1_000 ? 50 : ms, signal),
};

/** Starts an agent. */
export async function startInProcessAgent(
  fakes: Fakes,
  options: InProcessOptions = {},
): Promise<InProcessAgent> {
  const { name = "agent", backend = "server", apiKey } = options;
  const { kube } = await connectKube(
    { kubeconfig: "fake" },
    {
      env: {},
      home: undefined,
      clock: systemClock,
      readFile: (path) => (path === "fake" ? fakes.kube.kubeconfig() : undefined),
      userAgent: "test",
    },
  );
  const prefect = connectPrefect({ url: fakes.prefect.url, backend, timeoutMs: 5_000, apiKey }, { env: {} });
  const flags = { backend, api: fakes.prefect.url, ...(apiKey === undefined ? {} : { key: apiKey }) };
  const config = loadPrefectConfig({ env: {}, readFile: () => undefined, flags });
  const identity = `${name}:1`;
  const clock = options.clock ?? (options.shortSleeps === true ? SHORT_SLEEPS : systemClock);
  const job = jobSettings(config, { namespace: "default", labels: options.labels, owner: identity });
  const settings = {
    ...agentSettings({ ...NO_FLAGS, name }, { config, job, identity }),
    ...options.settings,
  };
  const lines: string[] = [];
  const log = createLog({
    name,
    level: "DEBUG",
    format: "text",
    write: (line) => lines.push(line.trimEnd()),
    now: () => new Date(),
  });
  const ports = agentPorts({
    client: prefect,
    clock,
    name,
    labels: job.labels,
    scope: options.scope ?? `${kube.clusterId}/default`,
    identity,
    job,
    template: undefined,
    loadTemplate: (source) => loadTemplate(source, { env: {} }),
    newClaimId: () => crypto.randomUUID(),
  });
  const agent = new Agent(
    { kube, ...ports, clock, log, metrics: options.metrics ?? noMetrics, isDead: () => false },
    settings,
  );
  const stop = new AbortController();
  const ended = agent.run(stop.signal).finally(() => {
    prefect.close();
    kube.close();
  });
  // A test that does not await it must not fail with an unhandled rejection.
  ended.catch(() => undefined);
  return {
    lines,
    ended,
    poke: () => agent.poke(),
    stop: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}
