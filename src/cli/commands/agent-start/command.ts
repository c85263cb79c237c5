// kubectl prefect agent start: run the agent, at a terminal or in a pod.

import { Command, Option } from "clipanion";
import { WORK_OPTIONS } from "../../../agent/options.ts";
import { AgentCommand } from "../../options/agent-job-options.ts";
import { optionGroup } from "../../options/option-group.ts";
import type { StartFlags } from "./start.ts";

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

  readonly work = optionGroup(WORK_OPTIONS);
  maxPolls = Option.String("--max-polls", { description: "end after so many polls" });
  agentAddress = Option.String("--agent-address", {
    description: "serve health and metrics here, such as http://:8080",
  });

  async execute(): Promise<number> {
    const { startAgent } = await import("./start.ts");
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
    const { work, job, maxPolls, agentAddress } = this;
    const logLevel = this.verbose ? "DEBUG" : work.logLevel;
    return { ...work, logLevel, jobTemplate: job.jobTemplate, maxPolls, agentAddress };
  }
}
