// kubectl prefect doctor: checks everything that an agent needs, and suggests fixes.

import type { DoctorDeps } from "../../../doctor/target.ts";
import { Command, Option } from "clipanion";
import { checkOptionValues } from "../../../agent/option-row.ts";
import type { Finding } from "../../../doctor/finding.ts";
import { escapeUnprintable } from "../../../output/clean.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { isTerminal } from "../../options/base-command.ts";
import { ClusterCommand } from "../../options/cluster-command.ts";
import { DOCTOR_OPTIONS } from "./options.ts";
import type { ReportStyle } from "./report.ts";
import { optionGroup } from "../../options/option-group.ts";

const OUTPUTS = ["text", "json", "yaml"] as const;
/** Short, so that the report does not wait long for an unreachable server. */
const DEADLINE_MS = 10_000;

export class DoctorCommand extends ClusterCommand {
  static override paths = [["doctor"]];
  static override usage = Command.Usage({
    category: "Agent",
    description: "check everything that an agent needs, and suggest fixes",
    details: `
      Checks the kubeconfig, the cluster, permissions, Prefect's configuration and API, its agents and due flow runs, pods
      that cannot start, and leftovers in the cluster; and suggests a fix for each problem. Changes nothing.

      Accepts the options of agent start that it can check. Exits with 1 if something is broken; warnings do not count.
      --request-timeout limits each request (default 10s).
    `,
    examples: [
      ["Check whether an agent could run on this machine", "$0 doctor"],
      ["Check an agent that runs in the cluster", "$0 doctor -n flows --for flows/prefect-agent -l k8s"],
      ["Print the report as JSON", "$0 doctor -o json"],
    ],
  });

  readonly options = optionGroup(DOCTOR_OPTIONS);
  account = Option.String("--for", {
    description: "also check the permissions of the agent's ServiceAccount",
  });
  output = Option.String("-o,--output", { description: "output format (default text)" });

  async execute(): Promise<number> {
    const output = parseOutputFormat(this.output, OUTPUTS);
    checkOptionValues(DOCTOR_OPTIONS, this.options);
    const timeoutMs = this.connectionFlags().requestTimeoutMs ?? DEADLINE_MS;
    const style = await this.#style();
    const { doctorTarget } = await import("./target.ts");
    const { runChecks } = await import("../../../doctor/run.ts");
    const { worst } = await import("../../../doctor/finding.ts");
    const flags = { options: this.options, namespace: this.namespace, account: this.account };
    const target = await doctorTarget(flags, { ...this.context, loadConfig: () => this.prefectConfig() });
    const findings = await this.#withProgress(() => runChecks(this.#deps(timeoutMs), target));
    await this.#show(findings, output, style);
    return worst(findings) === "broken" ? 1 : 0;
  }

  #deps(timeoutMs: number): DoctorDeps {
    const { clock, signal, env, connectKube, connectPrefect } = this.context;
    const flags = { ...this.connectionFlags(), requestTimeoutMs: timeoutMs };
    return {
      clock,
      signal,
      connectKube: (onRequest) => connectKube(flags, onRequest),
      connectPrefect1: async (config, onRequest) => {
        const { prefectTarget } = await import("../../prefect-target.ts");
        return connectPrefect({ ...prefectTarget(config), timeoutMs }, onRequest);
      },
      connectPrefect3: async (config) => {
        const { prefect3Target } = await import("../../prefect-target.ts");
        const { connectPrefect3 } = await import("../../../prefect3/connect.ts");
        return connectPrefect3(prefect3Target(config), this.context, timeoutMs);
      },
      loadTemplate: async () => {
        const { loadTemplate } = await import("../../../prefect1/build/template-sources.ts");
        const { agentTemplateSource } = await import("../../../prefect1/build/template.ts");
        const path = this.options.jobTemplate ?? "";
        const source = path === "" ? { kind: "default" as const } : agentTemplateSource(path);
        return loadTemplate(source, { env, signal, timeoutMs });
      },
    };
  }

  /** Shows a progress line on a terminal. */
  async #withProgress<T>(work: () => Promise<T>): Promise<T> {
    const { Progress } = await import("../../../output/progress.ts");
    const { stderr, clock } = this.context;
    const progress = new Progress(stderr, clock);
    progress.update("checking Kubernetes and Prefect");
    try {
      return await work();
    } finally {
      progress.clear();
    }
  }

  async #style(): Promise<ReportStyle> {
    const { widthOf } = await import("../../../output/terminal.ts");
    const { stdout } = this.context;
    return { palette: await this.palette(), width: isTerminal(stdout) ? widthOf(stdout) : undefined };
  }

  async #show(
    findings: readonly Finding[],
    output: (typeof OUTPUTS)[number],
    style: ReportStyle,
  ): Promise<void> {
    const { reportLines, reportObject } = await import("./report.ts");
    if (output === "json") {
      return this.print(`${escapeUnprintable(JSON.stringify(reportObject(findings), null, 4))}\n`);
    }
    if (output === "text") return this.printStyled(`${reportLines(findings, style).join("\n")}\n`);
    const { toYaml } = await import("../../../output/yaml.ts");
    this.print(toYaml(reportObject(findings)));
  }
}
