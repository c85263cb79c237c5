// kubectl prefect agent start: run the agent, at a terminal or in a pod.

import { Command, Option } from "clipanion";
import { Agent } from "../../agent/agent.ts";
import type { AgentDeps } from "../../agent/deps.ts";
import type { AgentSettings } from "../../agent/settings.ts";
import { SettingsError } from "../../base/errors.ts";
import type { Log, LogLevel } from "../../base/log.ts";
import { createLog } from "../../base/log.ts";
import type { PrefectConfig } from "../../config/prefect-config.ts";
import type { PrefectApi } from "../../prefect/api.ts";
import { whileLeading } from "../../agent/presence/leader.ts";
import type { LeaderOptions } from "../../agent/presence/leader.ts";
import { Outage, untilAnswered } from "../../agent/presence/outage.ts";
import { checkRights } from "../../agent/presence/rights.ts";
import { Presence } from "../../agent/presence/presence.ts";
import { prefectTarget } from "../prefect-target.ts";
import { AgentCommand } from "../agent-command.ts";
import { agentSettings } from "../agent-settings.ts";
import type { AgentFlags } from "../agent-settings.ts";

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];

export class AgentStartCommand extends AgentCommand {
  static override paths = [
    ["agent", "start"],
    ["agent", "kubernetes", "start"],
    ["agent", "start", "kubernetes"],
  ];
  static override usage = Command.Usage({
    category: "Agent",
    description: "run the agent here, or in a pod",
    details: `
      Asks Prefect for due flow runs, makes a Kubernetes Job of each, follows the Jobs, tells Prefect how they went,
      and deletes them. Reads what Prefect 1 reads: ~/.prefect/config.toml, backend.toml, auth.toml and PREFECT__
      variables; flags win. SIGTERM and SIGINT end it in good order, a second signal at once.
    `,
    examples: [
      ["Take flow runs labelled `k8s`, with the key from PREFECT__CLOUD__API_KEY", "$0 agent start -l k8s"],
      [
        "Work for a server of your own, in namespace flows",
        "$0 agent start -b server -a http://prefect:4200 -n flows",
      ],
    ],
  });

  agentName = Option.String("--name", { description: "the agent's name in Prefect (agent)" });
  agentConfigId = Option.String("--agent-config-id", { description: "agent config to register with" });
  maxPolls = Option.String("--max-polls", { description: "end after so many polls" });
  agentAddress = Option.String("--agent-address", {
    description: "serve health and metrics here, such as http://:8080",
  });
  logLevel = Option.String("--log-level", { description: "DEBUG, INFO, WARNING or ERROR" });
  logFormat = Option.String("--log-format", "text", { description: "text or json" });
  limit = Option.String("--limit", { description: "live Jobs at most (no limit)" });
  concurrency = Option.String("--concurrency", { description: "submissions at once (24)" });
  startGrace = Option.String("--start-grace", { description: "how long a pod may fail to start (30s)" });
  pendingTimeout = Option.String("--pending-timeout", {
    description: "how long a pod may be unschedulable (for ever)",
  });
  onDisruption = Option.String("--on-disruption", {
    description: "fail or retry a run whose node went (fail)",
  });
  cancelGrace = Option.String("--cancel-grace", {
    description: "how long a cancelled flow may clean up (60s)",
  });
  deleteSucceededAfter = Option.String("--delete-succeeded-after", { description: "duration or never (0s)" });
  deleteFailedAfter = Option.String("--delete-failed-after", { description: "duration or never (0s)" });
  disableJobDeletion = Option.Boolean("--disable-job-deletion", {
    description: "never delete a Job that is over",
  });
  leaderElect = Option.Boolean("--leader-elect", false, {
    description: "work only while holding a Lease, for replicas",
  });
  shutdownGrace = Option.String("--shutdown-grace", {
    description: "how long to finish what is in flight (30s)",
  });

  async execute(): Promise<number> {
    const config = await this.prefectConfig();
    const { clock } = this.context;
    const log = this.#log(this.agentName ?? config.agent.name.value, config);
    const presence = new Presence(this.agentAddress ?? config.agent.address?.value, { clock, log });
    const { kube, target } = await this.context.connectKube(
      this.connectionFlags(),
      ({ verb, resource, status, ms }) =>
        presence.called({ api: "kubernetes", operation: `${verb} ${resource}`, status, ms }),
    );
    const prefect = await this.context.connectPrefect(prefectTarget(config), ({ operation, status, ms }) =>
      presence.called({ api: "prefect", operation, status, ms }),
    );
    try {
      const settings = this.#settings(config, { clusterMark: kube.clusterMark, namespace: target.namespace });
      await checkRights({ kube, log }, settings.namespace, this.leaderElect);
      await presence.start();
      const tenantId = await this.#tenantId(prefect, config, log);
      const job = { ...settings.job, tenantId: settings.job.tenantId ?? tenantId };
      await this.#run({ kube, prefect, log }, { ...settings, job }, presence);
      log.info("Agent stopped");
      return 0;
    } finally {
      await presence.stop();
      prefect.close();
      kube.close();
    }
  }

  /** Jobs name the tenant when there is a key; the API knows it where the configuration does not. */
  async #tenantId(prefect: PrefectApi, config: PrefectConfig, log: Log): Promise<string | undefined> {
    if (config.apiKey === undefined || config.tenantId !== undefined) return undefined;
    const { clock, signal } = this.context;
    return untilAnswered(new Outage("Prefect API", { clock, log }), signal, () => prefect.tenantId(signal));
  }

  async #run(
    given: Pick<AgentDeps, "kube" | "prefect" | "log">,
    settings: AgentSettings,
    presence: Presence,
  ): Promise<void> {
    const { clock, env, signal } = this.context;
    const { loadTemplate } = await import("../../agent/launch/templates.ts");
    const deps: AgentDeps = {
      ...given,
      clock,
      meter: presence.meter,
      loadTemplate: (source) => loadTemplate(source, { env, signal }),
      newClaimId: () => crypto.randomUUID(),
      isDead: (teller) => this.#isDead(teller),
    };
    const work = async (until: AbortSignal): Promise<void> => {
      const agent = new Agent(deps, settings);
      presence.show(agent);
      await agent.run(until);
    };
    await (this.leaderElect ? whileLeading(this.#candidate(deps, settings), signal, work) : work(signal));
  }

  #candidate(deps: AgentDeps, settings: AgentSettings): LeaderOptions {
    const name = `prefect-agent-${settings.name.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, "-")}`;
    return {
      ...deps,
      lease: { name, namespace: settings.namespace },
      identity: settings.teller,
      onProgress: () => {
        for (const loop of ["poll", "watch", "reconcile"] as const) deps.meter.progress(loop);
      },
    };
  }

  #settings(
    config: PrefectConfig,
    cluster: { readonly clusterMark: string; readonly namespace: string | undefined },
  ): AgentSettings {
    const namespace = this.namespace ?? config.variables.namespace?.value ?? cluster.namespace ?? "default";
    return agentSettings(this.#flags(), {
      config,
      job: this.jobOptions(namespace),
      place: {
        clusterMark: cluster.clusterMark,
        teller: `${this.context.hostname}:${this.context.pid}`,
      },
    });
  }

  #flags(): AgentFlags {
    return {
      name: this.agentName,
      agentConfigId: this.agentConfigId,
      jobTemplate: this.jobTemplate,
      maxPolls: this.maxPolls,
      limit: this.limit,
      concurrency: this.concurrency,
      startGrace: this.startGrace,
      pendingTimeout: this.pendingTimeout,
      onDisruption: this.onDisruption,
      cancelGrace: this.cancelGrace,
      deleteSucceededAfter: this.deleteSucceededAfter,
      deleteFailedAfter: this.deleteFailedAfter,
      disableJobDeletion: this.disableJobDeletion,
      shutdownGrace: this.shutdownGrace,
    };
  }

  #log(name: string, config: PrefectConfig): Log {
    const level = this.verbose ? "DEBUG" : LEVELS.find((each) => each === this.logLevel?.toUpperCase());
    if (this.logLevel !== undefined && level === undefined) {
      throw new SettingsError(`cannot read --log-level "${this.logLevel}"`, {
        hint: `write one of ${LEVELS.join(", ")}`,
      });
    }
    if (this.logFormat !== "text" && this.logFormat !== "json") {
      throw new SettingsError(`cannot read --log-format "${this.logFormat}"`, { hint: "write text or json" });
    }
    return createLog({
      name,
      level: level ?? config.agent.level.value,
      format: this.logFormat,
      write: (line) => this.context.stdout.write(line),
      now: () => this.context.clock.now(),
      secrets: config.apiKey === undefined ? [] : [config.apiKey.value],
    });
  }

  /** A teller is `hostname:pid`: of this machine we can tell whether it lives, of others we cannot. */
  #isDead(teller: string): boolean {
    const at = teller.lastIndexOf(":");
    if (teller.slice(0, at) !== this.context.hostname) return false;
    return !this.context.isRunning(Number(teller.slice(at + 1)));
  }
}
