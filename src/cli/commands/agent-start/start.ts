// `agent start`: connects, checks permissions, then runs the agent until it is stopped. Imported only by that command, so
// that other commands start fast.

import { Agent } from "../../../agent/agent.ts";
import type { AgentDeps } from "../../../agent/deps.ts";
import { loadTemplate } from "../../../prefect1/build/template-sources.ts";
import type { LeaderOptions } from "../../../agent/leader-election.ts";
import { whileLeading } from "../../../agent/leader-election.ts";
import { LOOPS } from "../../../agent/server/agent-metrics.ts";
import { Outage, retryUntilSuccess } from "../../../agent/outage.ts";
import { AgentServer } from "../../../agent/server/server.ts";
import { checkPermissions } from "../../../agent/permission-check.ts";
import type { AgentSettings } from "../../../agent/settings.ts";
import { agentPorts } from "../../../prefect1/agent-ports.ts";
import { agentTemplateSource } from "../../../prefect1/build/template.ts";
import type { Prefect1Client } from "../../../prefect1/client.ts";
import { jobSettings } from "../../../prefect1/config/job-settings.ts";
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

/** The flags that do not shape Jobs. */
export interface StartFlags extends AgentFlags, LogFlags {
  readonly agentAddress?: string | undefined;
}

export interface StartOptions {
  readonly flags: StartFlags;
  readonly config: PrefectConfig;
  readonly connection: ConnectionFlags;
  /** From the flag; otherwise it comes from NAMESPACE, the kubeconfig context, the pod, or is `default`. */
  readonly namespace: string | undefined;
  readonly jobOptions: (namespace: string) => JobOptions;
}

/** Runs the agent until a signal, `--max-polls` or a fatal error. Throws SettingsError, PrefectError, KubeError. */
export async function startAgent(context: CliContext, options: StartOptions): Promise<void> {
  const { flags, config } = options;
  const { clock, signal } = context;
  const { leaderElect = false } = flags;
  checkBeforeConnecting(options);
  const name = flags.name ?? config.agent.name.value;
  context.secrets.addUrl(flags.jobTemplate);
  const { log, flush } = agentLog(context, flags, { name, config });
  const server = new AgentServer(flags.agentAddress ?? config.agent.address?.value, { clock, log });
  const client = await context.connectPrefect(prefectTarget(config), ({ operation, status, ms }) =>
    server.observeCall({ api: "prefect", operation, status, ms }),
  );
  const { kube, target } = await context.connectKube(options.connection, ({ verb, resource, status, ms }) =>
    server.observeCall({ api: "kubernetes", operation: `${verb} ${resource}`, status, ms }),
  );
  try {
    const namespace = options.namespace ?? config.variables.namespace?.value ?? target.namespace ?? "default";
    const identity = `${context.hostname}:${context.pid}`;
    await checkPermissions({ kube, log }, namespace, leaderElect);
    await server.start();
    const tenantId = await tenantFor(client, config, { log, clock, signal });
    const job = jobSettings(config, { ...options.jobOptions(namespace), owner: identity, tenantId });
    const settings = agentSettings(flags, { config, job, identity });
    const ports = agentPorts({
      client,
      clock,
      name,
      labels: job.labels,
      agentConfigId: flags.agentConfigId,
      scope: `${kube.clusterId}/${namespace}`,
      identity,
      job,
      template: flags.jobTemplate === undefined ? undefined : agentTemplateSource(flags.jobTemplate),
      loadTemplate: (source) => loadTemplate(source, { ...context, signal }),
      newClaimId: () => crypto.randomUUID(),
    });
    const deps: AgentDeps = {
      kube,
      ...ports,
      log,
      clock,
      metrics: server.metrics,
      isDead: (other) => isDead(context, other),
    };
    await runUntilStopped({ deps, settings, server, leaderElect }, signal);
    log.info("Agent stopped");
  } finally {
    await server.stop();
    client.close();
    kube.close();
    flush();
  }
}

/** Reports errors in the command line before any connection error. */
function checkBeforeConnecting(options: StartOptions): void {
  checkAgentFlags(options.flags);
  options.jobOptions("default");
  const { namespace, config } = options;
  if (namespace !== undefined) aNamespace(namespace, "--namespace");
  else if (config.variables.namespace) aNamespace(config.variables.namespace.value, "NAMESPACE");
}

interface AgentRun {
  readonly deps: AgentDeps;
  readonly settings: AgentSettings;
  readonly server: AgentServer;
  readonly leaderElect: boolean;
}

async function runUntilStopped(
  { deps, settings, server, leaderElect }: AgentRun,
  signal: AbortSignal,
): Promise<void> {
  const runAgent = async (until: AbortSignal): Promise<void> => {
    const agent = new Agent(deps, settings);
    server.setAgent(agent);
    await agent.run(until);
  };
  await (leaderElect ? whileLeading(candidateOf(deps, settings), signal, runAgent) : runAgent(signal));
}

function candidateOf(deps: AgentDeps, settings: AgentSettings): LeaderOptions {
  return {
    ...deps,
    lease: { name: leaseName(settings.name), namespace: settings.namespace },
    identity: settings.identity,
    onWaiting: () => {
      for (const loop of LOOPS) deps.metrics.progress(loop);
    },
  };
}

/** Jobs get the tenant id if there is an API key; the API returns it if it is not configured. */
async function tenantFor(
  client: Pick<Prefect1Client, "tenantId">,
  config: PrefectConfig,
  { log, clock, signal }: Pick<AgentDeps, "log" | "clock"> & { readonly signal: AbortSignal },
): Promise<string | undefined> {
  if (config.apiKey === undefined || config.tenantId !== undefined) return undefined;
  return retryUntilSuccess(new Outage("Prefect API", { log, clock }), signal, () => client.tenantId(signal));
}

/** Whether the agent with this identity (`hostname:pid`) ran on this machine and is no longer running. */
function isDead(context: Pick<CliContext, "hostname" | "isRunning">, identity: string): boolean {
  const at = identity.lastIndexOf(":");
  return identity.slice(0, at) === context.hostname && !context.isRunning(Number(identity.slice(at + 1)));
}
