// kubectl prefect version.

import { Command } from "clipanion";
import { version } from "../../version.ts";
import { BaseCommand } from "../options/base-command.ts";
import { switchOption } from "../options/option-group.ts";

export class VersionCommand extends BaseCommand {
  static override paths = [["version"]];
  static override usage = Command.Usage({ category: "Other", description: "print the version" });

  short = switchOption("--short", "print only the version number");

  execute(): Promise<number> {
    const { node } = process.versions;
    this.print(
      this.short
        ? `${version}\n`
        : `kubectl-prefect v${version} (Node ${node}, ${process.platform}/${process.arch})\n`,
    );
    return Promise.resolve(0);
  }
}
