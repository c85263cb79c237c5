// kubectl prefect agent start: runs the agent, on this machine or in a pod.

import { Command } from "clipanion";
import { WORK_OPTIONS } from "../../../agent/options.ts";
import { AgentCommand } from "../../options/agent-job-options.ts";
import { optionGroup, textOption } from "../../options/option-group.ts";

export class AgentStartCommand extends AgentCommand {
  static override paths = [
    ["agent", "start"],
    ["agent", "kubernetes", "start"],
    ["agent", "start", "kubernetes"],
  ];
  static override usage = Command.Usage({
    category: "Agent",
    description: "run the agent, on this machine or in a pod",
    details: `
      Polls Prefect for due flow runs, creates a Kubernetes Job for each, watches the Jobs, reports their outcome to
      Prefect, and deletes them.

      Reads Prefect 1's configuration: ~/.prefect/config.toml, backend.toml, auth.toml and PREFECT__ variables; flags take
      precedence. The first SIGTERM or SIGINT shuts the agent down gracefully, a second one at once.
    `,
    examples: [
      [
        "Run flow runs with the label `k8s`, with the API key from PREFECT__CLOUD__API_KEY",
        "$0 agent start -l k8s",
      ],
      [
        "Use a self-hosted server, and create the Jobs in namespace flows",
        "$0 agent start -b server -a http://prefect:4200 -n flows",
      ],
    ],
  });

  readonly work = optionGroup(WORK_OPTIONS);
  maxPolls = textOption("--max-polls", "exit after this many polls");
  agentAddress = textOption("--agent-address", "address for health checks and metrics, such as http://:8080");

  async execute(): Promise<number> {
    const { startAgent } = await import("./start.ts");
    const { work, job, maxPolls, agentAddress } = this;
    const logLevel = this.verbose ? "DEBUG" : work.logLevel;
    await startAgent(this, { ...work, logLevel, jobTemplate: job.jobTemplate, maxPolls, agentAddress });
    return 0;
  }
}
