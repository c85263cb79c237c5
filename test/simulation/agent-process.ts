// Agent processes of a world: the real code with simulated connections and time.

import type { Agent } from "../../src/agent/agent.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { Health } from "../../src/agent/server/health.ts";
import { createLog } from "../../src/base/log.ts";
import type { AgentFlags } from "../../src/cli/commands/agent-start/settings.ts";
import { ApiObserver, runAgent } from "../../src/cli/commands/agent-start/wire.ts";
import type { Policy } from "../../src/job/decide/policy.ts";
import { loadPrefectConfig } from "../../src/prefect1/config/load.ts";
import type { ReadTemplate } from "../../src/prefect1/build/template.ts";
import { connect } from "./connections.ts";
import type { ConnectionOptions } from "./connections.ts";
import { Process } from "./process.ts";
import type { Network } from "./network.ts";
import { prefectOrigin } from "./origins.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface AgentOptions extends ConnectionOptions {
  readonly name?: string;
  readonly labels?: readonly string[];
  /** Environment of its Jobs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: AgentFlags;
  readonly policy?: Partial<Policy>;
  readonly namespace?: string;
  /** Reads the texts of job templates; without it, the agent has no template of its own. */
  readonly template?: ReadTemplate;
}

/** An agent of the world. */
export interface SimulatedAgent {
  readonly process: Process;
  /** Its log. */
  readonly lines: readonly string[];
  /** How it ended; undefined while it runs. */
  end(): { readonly error?: unknown } | undefined;
  /** The one that works now, if any. */
  agent(): Agent | undefined;
  /** Why /readyz says that it is not ready; undefined: it is. */
  notReady(): string | undefined;
  /** Asks it to stop, as SIGTERM does. */
  stop(): void;
}

/** Where a process runs. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly random: () => number;
  readonly network: Network;
  /** A new UUID. */
  newId(): string;
}

/** Starts an agent process. */
export function startAgent(world: Surroundings, options: AgentOptions): SimulatedAgent {
  const { name = "agent", prefect = 0, namespace = "default", backend = "server", apiKey } = options;
  const process = new Process(world.time, world.random);
  const { clock } = process;
  const observer = new ApiObserver(clock);
  const connections = connect(world, process, {
    ...options,
    onKubeRequest: (seen) => observer.kubeRequest(seen),
    onPrefectRequest: (seen) => observer.prefectRequest(seen),
  });
  const key = apiKey === undefined ? {} : { key: apiKey };
  const config = loadPrefectConfig({
    env: {},
    readFile: () => undefined,
    flags: { backend, api: prefectOrigin(prefect), ...key },
  });
  const lines: string[] = [];
  const log = createLog({
    name,
    level: "DEBUG",
    format: "text",
    write: (line) => lines.push(line.trimEnd()),
    now: () => clock.now(),
  });
  const stop = new AbortController();
  const health = new Health(clock);
  let agent: Agent | undefined;
  let end: { readonly error?: unknown } | undefined;
  const { template } = options;
  void runAgent(
    {
      ...connections,
      observer,
      clock,
      log,
      config,
      namespace,
      readTemplate: template ?? (() => Promise.reject(new Error("no template"))),
      metrics: { ...noMetrics, progress: (loop) => health.progress(loop) },
      flags: { name, ...(template && { jobTemplate: "https://template" }), ...options.flags },
      policy: options.policy,
      jobOptions: { namespace, labels: options.labels, env: options.env },
      host: "here",
      newId: () => world.newId(),
    },
    (working) => (agent = working),
    stop.signal,
  ).then(
    () => (end = {}),
    (error: unknown) => (end = { error }),
  );
  return {
    process,
    lines,
    end: () => end,
    agent: () => agent,
    notReady: () => health.notReady(agent?.problem()),
    stop: () => stop.abort(),
  };
}
