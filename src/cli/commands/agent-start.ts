// kubectl prefect agent start: run the agent, at a terminal or in a pod.

import { Command, Option } from "clipanion";
import { AgentCommand } from "../agent-command.ts";
import type { StartFlags } from "../start-agent.ts";

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

  agentName = Option.String("--name", { description: "the agent's name in Prefect (default agent)" });
  agentConfigId = Option.String("--agent-config-id", { description: "agent config to register with" });
  maxPolls = Option.String("--max-polls", { description: "end after so many polls" });
  agentAddress = Option.String("--agent-address", {
    description: "serve health and metrics here, such as http://:8080",
  });
  logLevel = Option.String("--log-level", { description: "DEBUG, INFO, WARNING or ERROR" });
  logFormat = Option.String("--log-format", "text", { description: "how to log (default text)" });
  limit = Option.String("--limit", { description: "live Jobs at most (default no limit)" });
  concurrency = Option.String("--concurrency", { description: "submissions at once (default 24)" });
  startGrace = Option.String("--start-grace", {
    description: "how long a pod may fail to start (default 30s)",
  });
  pendingTimeout = Option.String("--pending-timeout", {
    description: "how long a pod may be unschedulable (default for ever)",
  });
  onDisruption = Option.String("--on-disruption", {
    description: "what to do with a run whose node went (default fail)",
  });
  cancelGrace = Option.String("--cancel-grace", {
    description: "how long a cancelled flow may clean up (default 60s)",
  });
  deleteSucceededAfter = Option.String("--delete-succeeded-after", {
    description: "age at which a Job that succeeded goes, or never (default 0s)",
  });
  deleteFailedAfter = Option.String("--delete-failed-after", {
    description: "age at which a Job that failed goes, or never (default 0s)",
  });
  disableJobDeletion = Option.Boolean("--disable-job-deletion", {
    description: "never delete a Job that is over",
  });
  leaderElect = Option.Boolean("--leader-elect", false, {
    description: "work only while holding a Lease, for replicas",
  });
  shutdownGrace = Option.String("--shutdown-grace", {
    description: "how long to finish what is in flight (default 30s)",
  });

  async execute(): Promise<number> {
    const { startAgent } = await import("../start-agent.ts");
    await startAgent(this.context, {
      flags: this.#flags(),
      config: await this.prefectConfig(),
      connection: this.connectionFlags(),
      namespace: this.namespace,
      jobOptions: (namespace) => this.jobOptions(namespace),
    });
    return 0;
  }

  #flags(): StartFlags {
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
      agentAddress: this.agentAddress,
      logLevel: this.verbose ? "DEBUG" : this.logLevel,
      logFormat: this.logFormat,
      leaderElect: this.leaderElect,
    };
  }
}
