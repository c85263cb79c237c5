// The agent in this process, connected to the fakes over real HTTP, and wired as `agent start` wires it.

import type { Agent } from "../../../src/agent/agent.ts";
import { noMetrics } from "../../support/no-metrics.ts";
import type { AgentMetrics } from "../../../src/agent/server/metrics.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { createLog } from "../../../src/base/log.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { AgentFlags } from "../../../src/cli/commands/agent-start/settings.ts";
import { ApiObserver, runAgent } from "../../../src/cli/commands/agent-start/wire.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { readTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import { connectPrefect } from "../../../src/prefect1/connect.ts";
import type { Fakes } from "./fakes.ts";

/** What differs from an agent without options. */
export interface InProcessOptions {
  readonly name?: string;
  readonly labels?: readonly string[];
  readonly flags?: AgentFlags;
  readonly policy?: Partial<Policy>;
  /** Replaces the fakes' clock. */
  readonly clock?: Clock;
  /** Receives the loops' progress; without it, no metrics are kept. */
  readonly metrics?: AgentMetrics;
  readonly backend?: "cloud" | "server";
  readonly apiKey?: string;
}

export interface InProcessAgent {
  readonly lines: readonly string[];
  /** Settles as `runAgent` does. */
  readonly ended: Promise<void>;
  poke(): void;
  /** Stops the agent and waits for its end. */
  stop(): Promise<void>;
}

/** Starts an agent. */
export async function startInProcessAgent(
  fakes: Fakes,
  options: InProcessOptions = {},
): Promise<InProcessAgent> {
  const { backend = "server", apiKey, name = "agent", policy } = options;
  const flags = { name, ...options.flags };
  const clock = options.clock ?? fakes.clock;
  const observer = new ApiObserver(clock);
  const { kube, target } = await connectKube(
    { kubeconfig: "fake" },
    {
      env: {},
      home: undefined,
      clock,
      readFile: (path) => (path === "fake" ? fakes.kube.kubeconfig() : undefined),
      userAgent: "test",
      onRequest: (seen) => observer.kubeRequest(seen),
    },
  );
  const client = connectPrefect(
    { url: fakes.prefect.url, backend, timeoutMs: 5_000, apiKey },
    { env: {}, onRequest: (seen) => observer.prefectRequest(seen) },
  );
  const key = apiKey === undefined ? {} : { key: apiKey };
  const config = loadPrefectConfig({
    env: {},
    readFile: () => undefined,
    flags: { backend, api: fakes.prefect.url, ...key },
  });
  const lines: string[] = [];
  const log = createLog({
    name,
    level: "DEBUG",
    format: "text",
    write: (line) => lines.push(line.trimEnd()),
    now: () => new Date(),
  });
  let agent: Agent | undefined;
  const stop = new AbortController();
  const ended = runAgent(
    {
      kube,
      target,
      client,
      observer,
      clock,
      log,
      config,
      flags,
      policy,
      metrics: options.metrics ?? noMetrics,
      namespace: "default",
      jobOptions: { namespace: "default", labels: options.labels },
      readTemplate: (source) => readTemplate(source, { env: {} }),
      host: "here",
      newId: () => crypto.randomUUID(),
    },
    (working) => (agent = working),
    stop.signal,
  ).finally(() => {
    client.close();
    kube.close();
  });
  // A test that does not await it must not fail with an unhandled rejection.
  ended.catch(() => undefined);
  return {
    lines,
    ended,
    poke: () => agent?.poke(),
    stop: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}
