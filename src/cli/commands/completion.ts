// kubectl prefect completion: the program through which kubectl completes `kubectl prefect`.

import { Command, Option } from "clipanion";
import { SettingsError } from "../../base/errors.ts";
import { BaseCommand } from "../options/base-command.ts";

/** kubectl runs a program of this name on the PATH (kubectl 1.26 and later). */
const NAME = "kubectl_complete-prefect";
const SCRIPT = '#!/bin/sh\nexec kubectl-prefect __complete "$@"\n';
const WINDOWS_SCRIPT = "@echo off\r\nkubectl-prefect __complete %*\r\n";

export class CompletionCommand extends BaseCommand {
  static override paths = [["completion"]];
  static override usage = Command.Usage({
    category: "Other",
    description: "print the script that lets kubectl complete `kubectl prefect`",
    details: `
      kubectl completes a plugin's command line by running the program ${NAME}, which must be executable and on the
      PATH (on Windows ${NAME}.cmd). kubectl's own completion must be set up: see kubectl completion --help.
    `,
    examples: [
      [
        "Complete `kubectl prefect` with the Tab key",
        `$0 completion > ~/.local/bin/${NAME}\nchmod +x ~/.local/bin/${NAME}`,
      ],
    ],
  });

  shell = Option.String({ name: "SHELL", required: false });

  execute(): Promise<number> {
    if (this.shell !== undefined) {
      const problem = `cannot print completion for "${this.shell}": kubectl completes in every shell`;
      throw new SettingsError(problem, { hint: `leave out "${this.shell}", and save the script as ${NAME}` });
    }
    // As it is: Windows wants its line breaks.
    this.printStyled(this.context.env["OS"] === "Windows_NT" ? WINDOWS_SCRIPT : SCRIPT);
    return Promise.resolve(0);
  }
}
