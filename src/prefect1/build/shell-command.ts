// A template's command that does not run the flow. Pure.

import { arrayIn, objectIn } from "../../base/json.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";

/** A shell's options that a word follows: `-o pipefail`. */
const WITH_VALUE = /^(?:[-+][a-z]*[oO]|--rcfile|--init-file)$/;
const SHELL = /(?:^|\/)(?:ba|da|a|k|z)?sh$/;

/**
 * A warning if a container's command, perhaps after `tini --` or `env`, ends with a shell's `-c`: the shell runs only the first of the args that follow, which is
 * `prefect` alone, and the flow never starts. Undefined: no such command.
 */
export function shellCommandWarning(job: JobManifest): string | undefined {
  const containers = arrayIn(job.spec.template.spec.containers).map(objectIn);
  const swallowing = containers.find(({ command, args }) => {
    return arrayIn(args).length > 1 && endsWithShellOption(arrayIn(command).map(String));
  });
  if (swallowing === undefined) return undefined;
  const [command, args] = [swallowing["command"], swallowing["args"]].map((words) =>
    arrayIn(words).join(" "),
  );
  return `container "${String(swallowing["name"])}" has the command "${command}", which takes only the first of its args (${args}): the flow does not start; remove the command from the job template`;
}

/** Whether the words end with those of a shell whose `-c` has no script yet; `--` only ends its options. */
function endsWithShellOption(words: readonly string[]): boolean {
  const options = words.slice(words.findLastIndex((word) => SHELL.test(word)) + 1);
  const at = options.findIndex((word) => /^-[a-z]*c[a-z]*$/.test(word));
  if (options.length === words.length || at === -1) return false;
  // Any other word without a hyphen is a script, whose own `-c` means nothing to the shell.
  const isOption = (word: string, of: number): boolean =>
    /^[-+]/.test(word) || (of < at && WITH_VALUE.test(options[of - 1] ?? ""));
  return options.every(isOption);
}
