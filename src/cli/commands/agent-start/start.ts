// What `agent start` does with its options: connect, check, then run the agent until it is told to stop.
// Loaded only by that command: nothing of the agent is needed to print a version.

import { Agent } from "../../../agent/agent.ts";
import type { AgentDeps } from "../../../agent/deps.ts";
import { loadTemplate } from "../../../prefect1/build/template-sources.ts";
import type { LeaderOptions } from "../../../agent/leader-election.ts";
import { whileLeading } from "../../../agent/leader-election.ts";
import { LOOPS } from "../../../agent/server/progress.ts";
import { Outage, untilAnswered } from "../../../agent/outage.ts";
import { Presence } from "../../../agent/server/server.ts";
import { checkRights } from "../../../agent/permission-check.ts";
import type { AgentSettings } from "../../../agent/settings.ts";
import type { JobOptions } from "../../../prefect1/config/job-settings.ts";
import { aNamespace } from "../../../agent/option-checks.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { ConnectionFlags } from "../../../kube/auth/kubeconfig.ts";
import { agentLog } from "./agent-log.ts";
import type { LogFlags } from "./agent-log.ts";
import { agentSettings, checkAgentFlags } from "./settings.ts";
import type { AgentFlags } from "./settings.ts";
import type { CliContext } from "../../context.ts";
import { leaseName } from "./lease-name.ts";
import { prefectTarget } from "../../prefect-target.ts";
import { tuneV8ForAgent } from "./v8-flags.ts";

/** All that was typed and is no part of what a Job looks like. */
export interface StartFlags extends AgentFlags, LogFlags {
  readonly agentAddress?: string | undefined;
}

export interface StartOptions {
  readonly flags: StartFlags;
  readonly config: PrefectConfig;
  readonly connection: ConnectionFlags;
  /** The flag; without it variable, context, pod and `default` are asked. */
  readonly namespace: string | undefined;
  readonly jobOptions: (namespace: string) => JobOptions;
}

/** Runs the agent until a signal, `--max-polls` or a refusal that lasts. Throws SettingsError, PrefectError, KubeError. */
export async function startAgent(context: CliContext, options: StartOptions): Promise<void> {
  const { flags, config } = options;
  const { clock, signal } = context;
  const { leaderElect = false } = flags;
  checkBeforeConnecting(options);
  tuneV8ForAgent();
  const name = flags.name ?? config.agent.name.value;
  const { log, flush } = agentLog(context, flags, { name, config });
  const presence = new Presence(flags.agentAddress ?? config.agent.address?.value, { clock, log });
  const prefect = await context.connectPrefect(prefectTarget(config), ({ operation, status, ms }) =>
    presence.called({ api: "prefect", operation, status, ms }),
  );
  const { kube, target } = await context.connectKube(options.connection, ({ verb, resource, status, ms }) =>
    presence.called({ api: "kubernetes", operation: `${verb} ${resource}`, status, ms }),
  );
  try {
    const namespace = options.namespace ?? config.variables.namespace?.value ?? target.namespace ?? "default";
    const owner = `${context.hostname}:${context.pid}`;
    const job = options.jobOptions(namespace);
    const settings = agentSettings(flags, { config, job, place: { clusterMark: kube.clusterMark, owner } });
    await checkRights({ kube, log }, namespace, leaderElect);
    await presence.start();
    const deps: AgentDeps = {
      kube,
      prefect,
      log,
      clock,
      meter: presence.meter,
      loadTemplate: (source) => loadTemplate(source, { env: context.env, signal }),
      newClaimId: () => crypto.randomUUID(),
      isDead: (other) => isDead(context, other),
    };
    const tenantId = await tenantFor(deps, config, signal);
    const known = { ...settings, job: { ...settings.job, tenantId: settings.job.tenantId ?? tenantId } };
    await runUntilStopped({ deps, settings: known, presence, leaderElect }, signal);
    log.info("Agent stopped");
  } finally {
    await presence.stop();
    prefect.close();
    kube.close();
    flush();
  }
}

/** What is wrong with the command line is said at once, whatever else is wrong with cluster and API. */
function checkBeforeConnecting(options: StartOptions): void {
  checkAgentFlags(options.flags);
  options.jobOptions("default");
  const { namespace, config } = options;
  if (namespace !== undefined) aNamespace(namespace, "--namespace");
  else if (config.variables.namespace) aNamespace(config.variables.namespace.value, "NAMESPACE");
}

interface Run {
  readonly deps: AgentDeps;
  readonly settings: AgentSettings;
  readonly presence: Presence;
  readonly leaderElect: boolean;
}

async function runUntilStopped(
  { deps, settings, presence, leaderElect }: Run,
  signal: AbortSignal,
): Promise<void> {
  const work = async (until: AbortSignal): Promise<void> => {
    const agent = new Agent(deps, settings);
    presence.show(agent);
    await agent.run(until);
  };
  await (leaderElect ? whileLeading(candidateOf(deps, settings), signal, work) : work(signal));
}

function candidateOf(deps: AgentDeps, settings: AgentSettings): LeaderOptions {
  return {
    ...deps,
    lease: { name: leaseName(settings.name), namespace: settings.namespace },
    identity: settings.identity,
    onWaiting: () => {
      for (const loop of LOOPS) deps.meter.progress(loop);
    },
  };
}

/** Jobs name the tenant when there is a key; the API knows it where the configuration does not. */
async function tenantFor(
  deps: AgentDeps,
  config: PrefectConfig,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (config.apiKey === undefined || config.tenantId !== undefined) return undefined;
  return untilAnswered(new Outage("Prefect API", deps), signal, () => deps.prefect.tenantId(signal));
}

/** A owner is `hostname:pid`: of this machine we can tell whether it lives, of others we cannot. */
function isDead(context: Pick<CliContext, "hostname" | "isRunning">, owner: string): boolean {
  const at = owner.lastIndexOf(":");
  return owner.slice(0, at) === context.hostname && !context.isRunning(Number(owner.slice(at + 1)));
}
