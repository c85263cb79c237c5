// The agent in the test's process, on the cluster of KUBECONFIG: for grace periods shorter than its options allow.

import type { Policy } from "../../../src/job/decide/policy.ts";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { ApiObserver, runAgent } from "../../../src/cli/commands/agent-start/wire.ts";
import { readTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { noMetrics } from "../../support/no-metrics.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
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

/** Starts an agent; `ended` settles as `runAgent` does. */
export async function startInProcessAgent(
  reachable: ReachablePrefect,
  { namespace, label, policy, signal }: InProcessAgentOptions,
): Promise<{ readonly ended: Promise<void> }> {
  const clock = systemClock;
  const observer = new ApiObserver(clock);
  const kube = await currentKube();
  const client = connectPrefect(
    { url: reachable.prefect.url, backend: "server", timeoutMs: 15_000 },
    { env: {}, onRequest: (seen) => observer.prefectRequest(seen) },
  );
  const flags = { name: label, shutdownGrace: "1s" };
  const config = loadPrefectConfig({
    env: {},
    readFile: () => undefined,
    flags: { backend: "server", api: reachable.api },
  });
  const ended = runAgent(
    {
      kube,
      client,
      observer,
      clock,
      config,
      flags,
      namespace,
      policy,
      log: silentLog,
      metrics: noMetrics,
      jobOptions: { namespace, labels: [label] },
      readTemplate: (source) => readTemplate(source, { env: {} }),
      newId: () => crypto.randomUUID(),
    },
    () => undefined,
    signal,
  ).finally(() => {
    kube.close();
    client.close();
  });
  return { ended };
}
