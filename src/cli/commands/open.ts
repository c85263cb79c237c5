// kubectl prefect open: prints the address of a flow run's page in Prefect's UI and, on a desktop, opens it.

import { Command, Option } from "clipanion";
import { ExpectedError } from "../../base/errors.ts";
import { attempt } from "../../base/attempt.ts";
import { isUuid } from "../../base/uuid.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { ClusterScope } from "../cluster-scope.ts";
import type { ResolvedRun } from "../flow-run-ref.ts";
import { noApiText } from "../../inventory/run-states.ts";
import { isTerminal } from "../options/base-command.ts";
import { NamespacedCommand } from "../options/namespaced-command.ts";

export class OpenCommand extends NamespacedCommand {
  static override paths = [["open"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "open the page of a flow run in Prefect's UI",
    details: `
      Prints the address of the page. On a desktop it also opens there, unless the output goes to a pipe.
    `,
    examples: [
      ["Open a flow run", "$0 open quick-fox"],
      ["Only print its address", "$0 open quick-fox | cat"],
    ],
  });

  target = Option.String({ name: "RUN" });

  execute(): Promise<number> {
    return this.connected(async (scope) => {
      const run = await this.#find(await this.pickedRun(this.target, scope), scope);
      const directory = scope.directories[run.prefectVersion];
      const what = `cannot find the page of flow run "${run.name ?? run.flowRunId}"`;
      if (directory === undefined) throw new ExpectedError(`${what}: ${noApiText(run.prefectVersion)}`);
      if (run.status.kind === "missing" || !isUuid(run.flowRunId))
        throw new ExpectedError(`${what}: Prefect has no such run`);
      const address = await directory.page(run.flowRunId);
      this.print(`${address}\n`);
      await this.#show(address);
      return 0;
    });
  }

  /** Prefect alone is asked where the cluster does not answer: the page is there all the same. */
  async #find(text: string, scope: ClusterScope): Promise<ResolvedRun> {
    const { parseRunRef, resolveRun } = await import("../flow-run-ref.ts");
    const found = await attempt(() => this.findRun(text, scope));
    if (found.ok) return found.value;
    if (!(found.error instanceof KubeError) || parseRunRef(text).job !== undefined) throw found.error;
    return resolveRun(text, { ...scope, inventory: { runs: [] }, mustBeUnique: false });
  }

  /** Whether it opens or not, the address is printed. */
  async #show(address: string): Promise<void> {
    const [program, ...args] = this.context.browser ?? [];
    if (program === undefined || !isTerminal(this.context.stdout) || !/^https?:/.test(address)) return;
    const { spawn } = await import("node:child_process");
    const browser = spawn(program, [...args, address], { detached: true, stdio: "ignore" });
    browser.on("error", () => {});
    browser.unref();
  }
}
