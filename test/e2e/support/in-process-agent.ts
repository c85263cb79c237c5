// The agent in the test's process, on the cluster of KUBECONFIG: for grace periods shorter than its options allow.

import type { Policy } from "../../../src/job/decide/policy.ts";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { Agent } from "../../../src/agent/agent.ts";
import { agentPorts } from "../../../src/prefect1/agent-ports.ts";
import { loadTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { noMetrics } from "../../../src/agent/server/agent-metrics.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { jobSettings } from "../../../src/prefect1/config/job-settings.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { connectPrefect } from "../../../src/prefect1/connect.ts";
import type { ReachablePrefect } from "./pod-network.ts";

/** Which runs the agent launches, its namespace, its policy, and the signal that stops it. */
export interface InProcessAgentOptions {
  readonly namespace: string;
  readonly label: string;
  readonly policy: Policy;
  readonly signal: AbortSignal;
}

/** The cluster of KUBECONFIG's current context. */
export async function currentKube(): Promise<KubeApi> {
  const readFile = (path: string): string => readFileSync(path, "utf8");
  const deps = { env: process.env, home: homedir(), clock: systemClock, readFile, userAgent: "test" };
  return (await connectKube({}, deps)).kube;
}

/** Starts an agent; `ended` settles as `Agent.run` does. */
export async function startInProcessAgent(
  reachable: ReachablePrefect,
  { namespace, label, policy, signal }: InProcessAgentOptions,
): Promise<{ readonly ended: Promise<void> }> {
  const kube = await currentKube();
  const prefect = connectPrefect(
    { url: reachable.prefect.url, backend: "server", timeoutMs: 15_000 },
    { env: {} },
  );
  const flags = { backend: "server", api: reachable.api };
  const config = loadPrefectConfig({ env: {}, readFile: () => undefined, flags });
  const who = { name: label, labels: [label], identity: `${label}:1` };
  const job = jobSettings(config, { namespace, labels: who.labels, owner: who.identity });
  const ports = agentPorts({
    ...who,
    client: prefect,
    clock: systemClock,
    scope: `${kube.clusterId}/${namespace}`,
    job,
    template: undefined,
    loadTemplate: (source) => loadTemplate(source, { env: {} }),
    newClaimId: () => crypto.randomUUID(),
  });
  const deps = {
    kube,
    ...ports,
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    isDead: () => false,
  };
  const { apiUrl } = job;
  const settings = { ...who, namespace, apiUrl, policy, concurrency: 8, shutdownGraceMs: 1_000 };
  const ended = new Agent(deps, settings).run(signal).finally(() => {
    kube.close();
    prefect.close();
  });
  return { ended };
}
