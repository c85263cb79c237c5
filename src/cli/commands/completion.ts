// kubectl prefect completion: scripts that complete command lines, in a shell and through kubectl.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Command, Option, UsageError } from "clipanion";
import { ExpectedError, SettingsError, textOf } from "../../base/errors.ts";
import type { Env } from "../../base/env.ts";
import { BaseCommand } from "../options/base-command.ts";
import {
  completionScript,
  KUBECTL_SCRIPT,
  KUBECTL_SCRIPT_NAME,
  KUBECTL_SCRIPT_WINDOWS,
  SHELLS,
} from "../completion/scripts.ts";

const EXECUTABLE = 0o755;

export class CompletionCommand extends BaseCommand {
  static override paths = [["completion"]];
  static override usage = Command.Usage({
    category: "Other",
    description: "print or install shell completion",
    details: `
      kubectl completes a plugin's command line by asking a program of the name ${KUBECTL_SCRIPT_NAME}, which
      must be on the PATH. --install writes it, beside kubectl-prefect or into a directory of your choice.

      With the name of a shell (bash, zsh, fish, powershell) prints a script that completes kubectl-prefect itself.
    `,
    examples: [
      ["Complete `kubectl prefect` wherever kubectl is completed", "$0 completion --install"],
      ["Complete kubectl-prefect in this bash", "source <(kubectl-prefect completion bash)"],
    ],
  });

  shell = Option.String({ name: "SHELL", required: false });
  install = Option.String("--install", {
    tolerateBoolean: true,
    description: `write ${KUBECTL_SCRIPT_NAME} there (default beside kubectl-prefect)`,
  });

  execute(): Promise<number> {
    if (this.install !== undefined && this.install !== false) this.#install(this.install);
    else this.#print(this.shell);
    return Promise.resolve(0);
  }

  #print(given: string | undefined): void {
    if (given === undefined) throw new UsageError(`no shell given: name one of ${SHELLS.join(", ")}`);
    const shell = SHELLS.find((each) => each === (given === "pwsh" ? "powershell" : given));
    if (shell === undefined) {
      throw new SettingsError(`cannot complete in "${given}": unknown shell`, {
        hint: `name one of ${SHELLS.join(", ")}`,
      });
    }
    this.print(completionScript(shell));
  }

  /** `--install=DIR` and `--install DIR` mean the same. */
  #install(given: string | true): void {
    const { env } = this.context;
    const windows = env["OS"] === "Windows_NT";
    const directory = given === true ? (this.shell ?? directoryOnPath(env, windows)) : given;
    const path = join(directory, windows ? `${KUBECTL_SCRIPT_NAME}.cmd` : KUBECTL_SCRIPT_NAME);
    try {
      mkdirSync(directory, { recursive: true });
      writeFileSync(path, windows ? KUBECTL_SCRIPT_WINDOWS : KUBECTL_SCRIPT, { mode: EXECUTABLE });
    } catch (error) {
      throw new ExpectedError(`cannot write "${path}": ${textOf(error)}`, {
        hint: "name a directory of your PATH that you may write to: --install=DIR",
        cause: error,
      });
    }
    this.note(`wrote ${path}`);
    const isOnPath = directories(env).includes(directory);
    if (!isOnPath) this.note(`warning: ${directory} is not on the PATH, where kubectl looks for it`);
  }
}

/** The directory in which the shell finds this program. */
function directoryOnPath(env: Env, windows: boolean): string {
  const name = windows ? "kubectl-prefect.exe" : "kubectl-prefect";
  const found = directories(env).find((directory) => existsSync(join(directory, name)));
  if (found !== undefined) return found;
  throw new SettingsError("cannot tell where to write the script: kubectl-prefect is not on the PATH", {
    hint: "name a directory of your PATH: --install=DIR",
  });
}

function directories(env: Env): string[] {
  return (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter((directory) => directory !== "");
}
