// kubectl prefect demo: the main job, shown in some seconds, with nothing but this program.

import { Command, Option } from "clipanion";
import { createLog } from "../../base/log.ts";
import { colourFor, parseColourMode } from "../../output/palette.ts";
import { tableLines } from "../../output/table.ts";
import { PrefectCommand } from "../command.ts";

export class DemoCommand extends PrefectCommand {
  static override paths = [["demo"]];
  static override usage = Command.Usage({
    category: "Other",
    description: "show what the agent does, with stand-ins or in a cluster of yours",
    details: `
      Starts a Prefect API and a Kubernetes API inside this process, and the agent between them; creates flow runs that
      succeed, fail, cannot start, are late or are cancelled; tells what happens; and ends by itself. Exits with 1 if
      one of them did not end as it should. With --context or --kubeconfig the Jobs run in that cluster, in a namespace
      that is created for them and removed at the end. -v adds the agent's own log, on stderr.
    `,
    examples: [
      ["Without a cluster", "$0 demo"],
      ["In the cluster of the context test, with pods of busybox", "$0 demo --context test"],
    ],
  });

  kubeconfig = Option.String("--kubeconfig", {
    description: "kubeconfig file of a cluster to run the Jobs in",
  });
  kubeContext = Option.String("--context", {
    description: "kubeconfig context of a cluster to run the Jobs in",
  });

  async execute(): Promise<number> {
    const { clock, signal, stdout, env } = this.context;
    const isTTY = "isTTY" in stdout && stdout.isTTY === true;
    const palette = colourFor(parseColourMode(this.color), { isTTY }, env);
    const startedAt = clock.now();
    const { runDemo } = await import("../../demo/demo.ts");
    const { closingLine, ENDING_COLUMNS, problemsOf } = await import("../../demo/ending.ts");
    const kube = await this.#cluster();
    try {
      const print = (line: string): void => this.print(`${line}\n`);
      const facts = await runDemo({ clock, signal, print, palette, log: this.#log(), kube });
      for (const line of ["", ...tableLines(ENDING_COLUMNS, facts, { palette }), ""]) print(line);
      const problems = facts.flatMap(problemsOf);
      for (const problem of problems) this.tell(`error: ${problem}`);
      print(closingLine(facts, clock.now().getTime() - startedAt.getTime()));
      return problems.length === 0 ? 0 : 1;
    } finally {
      kube?.close();
    }
  }

  async #cluster() {
    if (this.kubeconfig === undefined && this.kubeContext === undefined) return undefined;
    const flags = { kubeconfig: this.kubeconfig, context: this.kubeContext };
    return (await this.context.connectKube(flags)).kube;
  }

  #log() {
    return createLog({
      name: "agent",
      level: this.verbose ? "DEBUG" : "WARNING",
      format: "text",
      write: (line) => this.context.stderr.write(line),
      now: () => this.context.clock.now(),
    });
  }
}
