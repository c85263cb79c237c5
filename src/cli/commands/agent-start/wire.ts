// Makes an agent of its connections, configuration and options.

import { createHash } from "node:crypto";
import { Agent } from "../../../agent/agent.ts";
import { CredentialCheck } from "../../../agent/credentials.ts";
import { logBanner } from "../../../agent/banner.ts";
import { whileLeading } from "../../../agent/leader-election.ts";
import { readPlace } from "../../../agent/place.ts";
import type { AgentMetrics } from "../../../agent/server/metrics.ts";
import { LOOPS } from "../../../agent/server/health.ts";
import { checkStart, untilAnswered } from "../../../agent/start-check.ts";
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import { PauseDetector } from "../../../base/pause-detector.ts";
import { runAll } from "../../../base/run-all.ts";
import { ServerClock } from "../../../base/server-clock.ts";
import type { Policy } from "../../../job/decide/policy.ts";
import type { Target } from "../../../kube/auth/kubeconfig.ts";
import type { Connection } from "../../../kube/client/connect.ts";
import type { CompletedRequest } from "../../../kube/client/transport.ts";
import { agentKey, type AgentIdentity } from "../../../orchestrator/agent-identity.ts";
import { AgentTemplate } from "../../../prefect1/agent-template.ts";
import type { ReadTemplate } from "../../../prefect1/build/template.ts";
import { prefect1Reporter } from "../../../prefect1/run-reporter.ts";
import { Prefect1WorkSource } from "../../../prefect1/work-source.ts";
import type { Prefect1Client } from "../../../prefect1/client.ts";
import { jobSettings, type JobOptions } from "../../../prefect1/config/job-settings.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { CompletedOperation } from "../../../prefect1/graphql.ts";
import type { AgentSettings } from "../../../agent/settings.ts";
import { agentSettings, type AgentFlags } from "./settings.ts";

/** What the agent learns from every response: the servers' times, and whether its credentials are refused. */
export class ApiObserver {
  readonly kubeTime: ServerClock;
  readonly prefectTime: ServerClock;
  readonly credentials: CredentialCheck;

  constructor(clock: Clock) {
    this.kubeTime = new ServerClock(clock);
    this.prefectTime = new ServerClock(clock);
    this.credentials = new CredentialCheck(clock);
  }

  kubeRequest(seen: CompletedRequest): void {
    this.kubeTime.observe(seen);
    if (seen.status === 401) this.credentials.suspect("kubernetes");
  }

  prefectRequest(seen: CompletedOperation): void {
    this.prefectTime.observe(seen);
    if (seen.isRefused === true) this.credentials.suspect("prefect");
  }
}

export interface AgentParts extends Pick<Connection, "kube" | "token"> {
  /** What it is connected to, for the log. */
  readonly target?: Pick<Target, "contextName" | "server"> | undefined;
  readonly client: Prefect1Client;
  readonly observer: ApiObserver;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: AgentMetrics;
  readonly config: PrefectConfig;
  readonly flags: AgentFlags;
  readonly namespace: string;
  readonly jobOptions: JobOptions;
  /** Graces that the options do not allow, for the demo and for tests. */
  readonly policy?: Partial<Policy> | undefined;
  readonly readTemplate: ReadTemplate;
  /** The name of the machine, or of the pod: people read in the Lease who leads. */
  readonly host: string;
  /** A new UUID. */
  readonly newId: () => string;
}

/** Checks what must hold at the start, then runs the agent until the signal aborts. `onAgent`: the one that works now, if any. */
export async function runAgent(
  parts: AgentParts,
  onAgent: (agent: Agent | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const { kube, client, observer, clock, log, metrics, config, flags, namespace } = parts;
  const { leaderElect = false, agentConfigId } = flags;
  const name = flags.name ?? config.agent.name;
  const pause = new PauseDetector(clock);
  const { kubeTime, prefectTime } = observer;
  const template = flags.jobTemplate === undefined ? undefined : new AgentTemplate(flags.jobTemplate, parts);
  await template?.open();
  await checkStart({ ...parts, work: client }, { namespace, leaderElect }, signal);
  const tenantId = await untilAnswered("Prefect API", parts, signal, () => client.tenantId(signal));
  const place = await untilAnswered("Kubernetes API", parts, signal, () =>
    readPlace(kube, namespace, parts.token),
  );
  if (signal.aborted || place === undefined) return;
  const job = jobSettings(config, { ...parts.jobOptions, tenantId });
  const settingsOf = (process: string): AgentSettings => {
    const given = agentSettings(flags, { config, job, process, place, tenantId });
    return { ...given, policy: { ...given.policy, ...parts.policy } };
  };
  logBanner(log, settingsOf(""), { target: parts.target, job, template: template?.source.origin.name });
  const deps = { kube, clock, kubeTime, prefectTime, pause, log, metrics };
  const runs = prefect1Reporter(client, prefectTime);
  const self = { name, labels: job.labels, tenantId };
  const sourceDeps = { ...parts, ...self, prefectTime, agentConfigId, place, job, template };
  let hasWorked = false;
  const work = async (until: AbortSignal): Promise<void> => {
    // A process that leads again has forgotten what it reported: it is a new one to others, and to itself.
    const process = parts.newId();
    const source = new Prefect1WorkSource({ ...sourceDeps, process });
    const agent = new Agent({ ...deps, settings: settingsOf(process), work: source, runs });
    onAgent(agent);
    await agent.run(until, hasWorked).finally(() => {
      hasWorked = true;
      onAgent(undefined);
    });
  };
  const lease = { name: leaseName(self), namespace };
  const onWaiting = (): void => LOOPS.forEach((loop) => metrics.progress(loop));
  const done = new AbortController();
  await runAll(
    signal,
    (s) => pause.run(AbortSignal.any([s, done.signal])),
    (s) => observer.credentials.run({ ...deps, work: client }, AbortSignal.any([s, done.signal])),
    async (s) => template?.run(job, AbortSignal.any([s, done.signal])),
    async (s) => {
      const candidate = { ...deps, lease, identity: `${parts.host}_${parts.newId()}`, onWaiting };
      await (leaderElect ? whileLeading(candidate, s, work) : work(s));
      done.abort();
    },
  );
}

/**
 * The name of the Lease that the replicas of an agent compete for: the agent's name as far as its characters are valid, and a
 * hash of all that tells agents apart, so that those with other labels, or of another tenant, never share one.
 */
export function leaseName(agent: AgentIdentity): string {
  const identity = `${agent.tenantId ?? ""} ${agentKey(agent)}`;
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 8);
  const readable = agent.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, "");
  return ["prefect-agent", readable, digest].filter((part) => part !== "").join("-");
}
