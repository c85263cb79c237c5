// kubectl prefect doctor: checks everything that an agent needs, and says how to mend what is wrong.

import { Command } from "clipanion";
import { checkOptionValues } from "../../../agent/option-row.ts";
import { JOB_OPTIONS, WORK_OPTIONS } from "../../../agent/options.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { Finding } from "../../../doctor/finding.ts";
import type { DoctorDeps } from "../../../doctor/target.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { ClusterCommand } from "../../options/cluster-command.ts";
import { optionGroup, switchOption, textOption } from "../../options/option-group.ts";

/** The options of `agent start` that can be checked. */
const OPTIONS = {
  labels: { ...JOB_OPTIONS.labels, description: "label of the agent; may be repeated" },
  jobTemplate: JOB_OPTIONS.jobTemplate,
  serviceAccountName: JOB_OPTIONS.serviceAccountName,
  imagePullSecrets: JOB_OPTIONS.imagePullSecrets,
  keySecret: JOB_OPTIONS.keySecret,
  leaderElect: { ...WORK_OPTIONS.leaderElect, description: "check the permissions for leader election, too" },
} as const;
/** Short, so that the report does not wait long for an unreachable server. */
const DEADLINE_MS = 10_000;

export class DoctorCommand extends ClusterCommand {
  static override paths = [["doctor"]];
  static override usage = Command.Usage({
    category: "Agent",
    description: "check everything that an agent needs, and suggest fixes",
    details: `
      Checks the kubeconfig, the cluster, the agent in the namespace and its permissions, Prefect's configuration and API,
      due flow runs, pods that cannot start, and leftovers in the cluster. Prints the problems first, each with a hint; -v
      also lists what is ok. Changes nothing.

      Without an agent in the namespace it checks whether one could run with your credentials; it takes the options of agent
      start for that. Exits with 1 if something is broken; warnings do not count. --request-timeout limits each request
      (default 10s).
    `,
    examples: [
      ["Check the agent in namespace flows", "$0 doctor -n flows"],
      ["Print the commands that mend what is wrong", "$0 doctor -n flows --fix"],
      ["Print the report as JSON", "$0 doctor -o json"],
    ],
  });

  readonly options = optionGroup(OPTIONS);
  account = textOption("--for", "check this ServiceAccount, in place of that of the agent in the namespace");
  fix = switchOption("--fix", "print only the commands that mend what is wrong; does not run them");
  output = textOption("-o,--output", "output format (default text)");

  async execute(): Promise<number> {
    const output = parseOutputFormat(this.output, ["text", "json", "yaml"]);
    if (this.fix && output !== "text")
      throw new SettingsError(`cannot use --fix with -o ${output}`, { hint: "leave out one of the two" });
    checkOptionValues(OPTIONS, this.options);
    this.checkNamespace();
    const style = await this.style();
    const { doctorTarget } = await import("./target.ts");
    const { runChecks } = await import("../../../doctor/run.ts");
    const { Progress } = await import("../../../output/progress.ts");
    const target = await doctorTarget(this);
    const progress = new Progress(this.context.stderr, this.context.env);
    progress.update("checking Kubernetes and Prefect");
    const found = await runChecks(this.#deps(), target).finally(() => progress.clear());
    const findings = found.map((each) => this.#withOwnFlags(each));
    const { fixLines, reportLines, reportObject } = await import("./report.ts");
    if (output === "text") {
      const { verbose } = this;
      const lines = this.fix ? fixLines(findings) : reportLines(findings, { ...style, verbose });
      this.printStyled(lines.map((line) => `${line}\n`).join(""));
    } else await this.printObject(reportObject(findings), output);
    return findings.some(({ status }) => status === "broken") ? 1 : 0;
  }

  /** Its commands act on the user's own cluster and Prefect. */
  #withOwnFlags(finding: Finding): Finding {
    const { look, fix } = finding;
    const own = (command: string): string => this.completeHint(command);
    return { ...finding, look: look && own(look), fix: fix?.map(own) };
  }

  #deps(): DoctorDeps {
    const connection = this.connectionFlags();
    const timeoutMs = connection.requestTimeoutMs ?? DEADLINE_MS;
    return {
      ...this.context,
      timeoutMs,
      connectKube: (onRequest) =>
        this.context.connectKube({ ...connection, requestTimeoutMs: timeoutMs }, onRequest),
    };
  }
}
